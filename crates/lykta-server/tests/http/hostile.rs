//! What comes in is hostile: every request is answered, or closed by a limit, and the service stays.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{KNOWN, MD5, PDQ, Place, Reply, bearer, build, form, read_reply};

fn limited() -> Place {
    Place::with(|config| {
        config.limits.header_seconds = 1;
        config.limits.request_seconds = 2;
        config.limits.body_bytes = 1 << 20;
        config.limits.bodies_bytes = 4 << 20;
        config.rate.per_second = 1e6;
        config.rate.burst = 1e6;
    })
}

fn is_well(place: &Place) {
    let answer = place.batch(&place.all, &[&format!("md5:{MD5}")]).expect(200).json();
    assert_eq!(answer["answers"][0]["matches"][0]["entry"], "abc");
}

#[test]
fn nonsense_is_answered_or_closed() {
    let place = limited();
    let token = bearer(&place.all);
    let post =
        |more: &str, body: &str| format!("POST /v1/match HTTP/1.1\r\nHost: a\r\n{token}{more}\r\n{body}");
    let many: String = (0..200).map(|number| format!("X-{number}: a\r\n")).collect();
    let long = format!("X: {}\r\n", "a".repeat(100_000));
    let form = "Content-Type: multipart/form-data; boundary=XyZ\r\n";
    let cases = [
        String::new(),
        "\r\n\r\n\r\n".into(),
        "nonsense\r\n\r\n".into(),
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fffd}".into(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".into(),
        format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "a".repeat(100_000)),
        format!(
            "GET /m/raw_lookup?{} HTTP/1.1\r\nHost: a\r\n{token}Connection: close\r\n\r\n",
            "&".repeat(5000)
        ),
        "GET /v1/index HTTP/9.9\r\n\r\n".into(),
        "GET http://elsewhere/healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".into(),
        "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n".into(),
        post(&many, ""),
        post(&long, ""),
        post("Content-Length: -1\r\n", "abc"),
        post("Content-Length: abc\r\n", "abc"),
        post("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        post("Content-Length: 99999999999999999999\r\n", "abc"),
        post("Content-Length: 9999999999\r\n", "abc"),
        post("Content-Length: 10\r\n", "abc"),
        post("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        post("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n"),
        post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff\r\nabc"),
        post("Transfer-Encoding: chunked\r\n", &format!("1;{}\r\na\r\n0\r\n\r\n", "x".repeat(100_000))),
        post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n"),
        post("Transfer-Encoding: gzip\r\n", "abc"),
        post("Expect: 100-continue\r\nContent-Length: 5\r\n", ""),
        post(&format!("{form}Content-Length: 9\r\n"), "--XyZ\r\n\r\n"),
        post(&format!("{form}Content-Length: 12\r\nConnection: close\r\n"), "--XyZ\r\n\r\n\r\n--"),
    ];
    for (number, case) in cases.iter().enumerate() {
        let began = Instant::now();
        let reply = place.send(case.as_bytes());
        assert!(began.elapsed() < Duration::from_secs(10), "{number} was not ended");
        if let Some(reply) = reply {
            assert_ne!(reply.status, 500, "{number}: {}", reply.text());
        }
    }
    // Bytes that are coded are not the file.
    for coding in ["gzip, chunked", "chunked, chunked", "gzip", "chunked\r\nTransfer-Encoding: chunked"] {
        let request =
            post(&format!("Transfer-Encoding: {coding}\r\nConnection: close\r\n"), "3\r\nabc\r\n0\r\n\r\n");
        let status = place.send(request.as_bytes()).map(|reply| reply.status);
        assert!(status.is_none_or(|status| [400, 415].contains(&status)), "{coding}: {status:?}");
    }
    is_well(&place);
}

#[test]
fn slow_senders_are_closed() {
    let place = limited();
    let began = Instant::now();
    thread::scope(|scope| {
        // Headers, a letter at a time.
        scope.spawn(|| {
            let mut stream = place.connect();
            for letter in "GET /healthz HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".bytes() {
                if stream.write_all(&[letter]).is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            assert!(read_reply(&mut stream).is_none_or(|reply| reply.status == 408));
        });
        // A body, a byte at a time.
        scope.spawn(|| {
            let mut stream = place.connect();
            let head = format!(
                "POST /v1/match HTTP/1.1\r\nHost: a\r\n{}Content-Length: 1000\r\n\r\n",
                bearer(&place.all)
            );
            stream.write_all(head.as_bytes()).unwrap();
            for _ in 0..40 {
                if stream.write_all(b"a").is_err() {
                    break;
                }
                thread::sleep(Duration::from_millis(100));
            }
            if let Some(reply) = read_reply(&mut stream) {
                assert_eq!(reply.status, 408);
            }
        });
        // A connection that says nothing after its answer.
        scope.spawn(|| {
            let mut stream = place.connect();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
            assert_eq!(read_reply(&mut stream).unwrap().status, 200);
        });
        // One that says nothing at all.
        scope.spawn(|| assert!(read_reply(&mut place.connect()).is_none()));
    });
    assert!(began.elapsed() < Duration::from_secs(15), "{:?}", began.elapsed());
    is_well(&place);
}

/// Whose answers are of megabytes, more than a system keeps for a connection; and the request for one.
fn with_large_answers() -> (Place, String) {
    let place = Place::with(|config| {
        let rows: Vec<String> = (0..90).map(|row| format!("{row},{PDQ}\n")).collect();
        let list = format!("id,pdq\n{}", rows.concat());
        build(&config.index[0], &[("large.csv", list.as_bytes())]);
        config.limits.write_seconds = 1;
        config.rate.burst = 1e6;
    });
    let body = serde_json::json!({"hashes": vec![format!("pdq:{PDQ}"); 1000]}).to_string();
    let request = format!(
        "POST /v1/match/hashes HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Type: application/json\r\n\
         {}Content-Length: {}\r\n\r\n{body}",
        bearer(&place.all),
        body.len()
    );
    (place, request)
}

fn wait_for_no_connection(place: &Place) {
    let began = Instant::now();
    while !place.server().metrics().contains("lykta_connections 0\n") {
        assert!(began.elapsed() < Duration::from_secs(10), "{}", place.server().metrics());
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_answer_that_is_left_unread_ends_its_connection() {
    let (place, request) = with_large_answers();
    let ask = |pause: u64| {
        let mut stream = place.connect();
        stream.write_all(request.as_bytes()).unwrap();
        // Until it is written, and then for longer than an answer may be left unread.
        stream.peek(&mut [0]).unwrap();
        thread::sleep(Duration::from_secs(pause));
        let reply = read_reply(&mut stream).unwrap();
        let length = reply.head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        (reply.body.len(), length.parse::<usize>().unwrap())
    };
    let (came, stated) = ask(0);
    assert!(came == stated && stated > 16 << 20, "{came} of {stated}");
    let (came, stated) = ask(4);
    assert!(came < stated, "{came} of {stated}");
    wait_for_no_connection(&place);
}

#[test]
fn an_answer_that_is_read_by_crumbs_ends_its_connection() {
    let (place, request) = with_large_answers();
    let mut stream = place.connect();
    stream.write_all(request.as_bytes()).unwrap();
    stream.peek(&mut [0]).unwrap();
    let began = Instant::now();
    let mut crumb = [0; 2048];
    while !place.server().metrics().contains("lykta_connections 0\n") {
        assert!(began.elapsed() < Duration::from_secs(15), "{}", place.server().metrics());
        assert!(stream.read(&mut crumb).unwrap() > 0, "all of it was read");
        thread::sleep(Duration::from_millis(50));
    }
}

/// Clients that only look for an answer when all is sent would take the connection for broken.
#[test]
fn whoever_is_refused_can_send_all_and_reads_why() {
    let place = limited();
    for (headers, length, status) in [
        (String::new(), 900 << 10, 401),
        (bearer(&place.hashing), 900 << 10, 403),
        (bearer(&place.all), 3 << 20, 413),
        (format!("{}Content-Encoding: gzip\r\n", bearer(&place.all)), 900 << 10, 415),
    ] {
        let mut stream = place.connect();
        let head = format!(
            "POST /v1/match HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        for piece in vec![7; length].chunks(64 << 10) {
            stream.write_all(piece).unwrap();
        }
        assert_eq!(read_reply(&mut stream).unwrap().status, status);
    }
}

#[test]
fn bodies_together_have_a_limit() {
    let place = limited();
    // One of a megabyte is all that one client of three may hold; it never arrives.
    let head = format!(
        "POST /v1/match HTTP/1.1\r\nHost: a\r\n{}Content-Length: 1048576\r\n\r\n",
        bearer(&place.all)
    );
    let mut held = place.connect();
    // The token is known before, so that nobody waits for it.
    is_well(&place);
    held.write_all(head.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(300));
    let reply = place.post(&place.all, "/v1/match", &vec![1; 1 << 20]).expect(503);
    assert!(reply.has("retry-after"));
    // Neither other clients nor hashes wait for that.
    place.post(&place.matching, "/v1/match", &vec![1; 1 << 20]).expect(200);
    is_well(&place);
    drop(held);
    thread::sleep(Duration::from_millis(2500));
    place.post(&place.all, "/v1/match", &vec![1; 1 << 20]).expect(200);
}

#[test]
fn what_a_queue_has_no_place_for_is_told_so_at_once() {
    let place = one_worker(1);
    // All but their last byte, so that they are complete at nearly one moment.
    let heavy = heavy_picture(4);
    let (last, most) = heavy.split_last().unwrap();
    let head = format!(
        "POST /v1/match HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{}Content-Length: {}\r\n\r\n",
        bearer(&place.all),
        heavy.len()
    );
    let mut streams: Vec<_> = (0..12).map(|_| place.connect()).collect();
    for stream in &mut streams {
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(most).unwrap();
    }
    streams.iter_mut().for_each(|stream| stream.write_all(&[*last]).unwrap());
    let replies: Vec<Reply> = streams.iter_mut().map(|stream| read_reply(stream).unwrap()).collect();
    let with = |status: u16| replies.iter().filter(|reply| reply.status == status).count();
    // The first has a worker, another one waits, and there is no place for the rest.
    assert!(with(200) >= 1 && with(503) >= 1 && with(200) + with(503) == 12, "{} {}", with(200), with(503));
    assert!(replies.iter().all(|reply| reply.status == 200 || reply.has("retry-after")));
    is_well(&place);
}

/// One worker beside that for short jobs, and so many jobs that may wait.
fn one_worker(queue: usize) -> Place {
    Place::with(|config| {
        config.limits.queue = queue;
        config.limits.queue_milliseconds = 20_000;
        config.limits.request_seconds = 60;
        config.workers = Some(std::num::NonZeroUsize::MIN);
        config.rate.per_second = 1e6;
        config.rate.burst = 1e6;
    })
}

/// A picture of so many megabytes that takes long beside its length: P4, a bit a pixel.
fn heavy_picture(megabytes: usize) -> Vec<u8> {
    let mut picture = format!("P4 4096 {}\n", 2048 * megabytes).into_bytes();
    picture.extend((0..megabytes << 20).map(|at| (at % 251) as u8));
    picture
}

#[test]
fn a_client_with_much_to_ask_keeps_nobody_else_waiting() {
    let place = one_worker(64);
    let heavy = heavy_picture(1);
    thread::scope(|scope| {
        let ask = || {
            let began = Instant::now();
            place.post(&place.all, "/v1/match", &heavy).expect(200);
            began.elapsed()
        };
        let one = ask();
        let many: Vec<_> = (0..10).map(|_| scope.spawn(ask)).collect();
        thread::sleep(one / 2);
        // Another client's picture waits for one or two, not for all.
        place.post(&place.matching, "/v1/match", &heavy).expect(200);
        // And a hash for none.
        is_well(&place);
        let done = many.iter().filter(|ask| ask.is_finished()).count();
        assert!(done < 8, "{done} of 10 were answered first");
        many.into_iter().for_each(|ask| _ = ask.join().unwrap());
    });
}

#[test]
fn requests_under_way_are_answered_when_the_service_ends() {
    let mut place = Place::new();
    is_well(&place);
    let mut stream = place.connect();
    let head =
        format!("POST /v1/match HTTP/1.1\r\nHost: a\r\n{}Content-Length: 3\r\n\r\nab", bearer(&place.all));
    stream.write_all(head.as_bytes()).unwrap();
    thread::sleep(Duration::from_millis(200));
    let rest = thread::spawn(move || {
        thread::sleep(Duration::from_millis(500));
        stream.write_all(b"c").unwrap();
        read_reply(&mut stream).unwrap()
    });
    place.end();
    let reply = rest.join().unwrap().expect(200);
    assert_eq!(reply.json()["outcome"], "matched_exact");
}

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files(&entry.path(), found),
            Ok(kind) if kind.is_file() => found.push(entry.path()),
            _ => {}
        }
    }
}

/// Damaged and hostile files: every one is answered, none with a fault of ours.
#[test]
fn bad_files_are_answered() {
    let place = Place::with(|config| {
        config.limits.body_bytes = 8 << 20;
        config.rate.per_second = 1e6;
        config.rate.burst = 1e6;
    });
    let mut bodies: Vec<Vec<u8>> = (0..60).map(|cut| KNOWN[..KNOWN.len() * cut / 60].to_vec()).collect();
    if let Some(corpus) = std::env::var_os("LYKTA_CORPUS") {
        let mut found = Vec::new();
        files(&Path::new(&corpus).join("bad"), &mut found);
        found.sort();
        // A part of them, from all over; LYKTA_HOSTILE says how many.
        let most = std::env::var("LYKTA_HOSTILE").map_or(400, |number| number.parse().unwrap());
        let step = found.len() / most + 1;
        bodies.extend(found.iter().step_by(step).map(|path| fs::read(path).unwrap()));
    }
    for (number, body) in bodies.iter().enumerate() {
        let paths = ["/v1/match", "/v1/hash", "/h/hash", "/m/lookup"];
        let path = paths[number % paths.len()];
        let headers = format!("{}Content-Type: multipart/form-data; boundary=XyZ\r\n", bearer(&place.all));
        let reply = place.ask("POST", path, &headers, &form(&[("photo", body)]));
        assert!(
            [200, 400, 408, 413].contains(&reply.status),
            "{number} {path}: {} {}",
            reply.status,
            reply.text()
        );
        if path == "/v1/match" && reply.status == 200 {
            assert_ne!(reply.json()["reason"], "internal", "{number}: {}", reply.text());
        }
    }
    is_well(&place);
}
