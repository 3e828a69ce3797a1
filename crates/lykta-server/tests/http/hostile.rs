//! What comes in is hostile: every request is answered, or closed by a limit, and the service stays.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::place::{KNOWN, MD5, Place, bearer, form, read_reply};

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
    is_well(&place);
}

#[test]
fn slow_senders_and_slow_readers_are_closed() {
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

#[test]
fn bodies_together_have_a_limit() {
    let place = limited();
    // Four of a megabyte each are all that fits; they never arrive.
    let head = format!(
        "POST /v1/match HTTP/1.1\r\nHost: a\r\n{}Content-Length: 1048576\r\n\r\n",
        bearer(&place.all)
    );
    let mut held: Vec<_> = (0..4).map(|_| place.connect()).collect();
    // The token is known before, so that nobody waits for it.
    is_well(&place);
    held.iter_mut().for_each(|stream| stream.write_all(head.as_bytes()).unwrap());
    thread::sleep(Duration::from_millis(300));
    let reply = place.post(&place.all, "/v1/match", &vec![1; 1 << 20]).expect(503);
    assert!(reply.has("retry-after"));
    drop(held);
    thread::sleep(Duration::from_millis(2500));
    place.post(&place.all, "/v1/match", &vec![1; 1 << 20]).expect(200);
}

#[test]
fn what_a_queue_has_no_place_for_is_told_so_at_once() {
    let place = Place::with(|config| {
        config.limits.queue = 1;
        config.workers = Some(std::num::NonZeroUsize::MIN);
        config.rate.per_second = 1e6;
        config.rate.burst = 1e6;
    });
    is_well(&place);
    let statuses: Vec<u16> = thread::scope(|scope| {
        let asks: Vec<_> =
            (0..24).map(|_| scope.spawn(|| place.post(&place.all, "/v1/match", KNOWN).status)).collect();
        asks.into_iter().map(|ask| ask.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [200, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&200), "{statuses:?}");
    is_well(&place);
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
