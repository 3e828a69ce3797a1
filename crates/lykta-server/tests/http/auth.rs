//! Who is let in, and how often.

use std::thread;
use std::time::{Duration, Instant};

use base64ct::{Base64, Encoding};
use lykta_server::{Rate, Server, StartError};

use crate::place::{MD5, Place, bearer};
use crate::schema::check;

/// Method, path and scope of every operation, from the document.
fn operations() -> Vec<(String, String, Option<String>)> {
    let document = lykta_server::document();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let scope = operation["security"][0]["bearer"][0].as_str().map(str::to_owned);
            operations.push((method.clone(), path.clone(), scope));
        }
    }
    operations
}

#[test]
fn without_a_token_or_with_a_wrong_one_every_path_says_the_same() {
    let place = Place::new();
    let mut wrong_secret = place.all.clone();
    wrong_secret.replace_range(wrong_secret.len() - 2.., "xx");
    let unknown = "lykta_0000000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let basic =
        |password: &str| format!("Authorization: Basic {}\r\n", Base64::encode_string(password.as_bytes()));
    let wrong = [
        String::new(),
        bearer(&wrong_secret),
        bearer(unknown),
        bearer("x"),
        basic(&format!("scart:{wrong_secret}")),
        basic("no colon"),
        "Authorization: nonsense\r\n".to_owned(),
    ];
    for (method, path, scope) in operations() {
        let asked = path.replace("{kind}", "md5");
        let Some(scope) = scope else {
            place.ask(&method.to_uppercase(), &asked, "", b"").expect(200);
            continue;
        };
        let said: Vec<String> = wrong
            .iter()
            .map(|headers| {
                let reply = place.ask(&method.to_uppercase(), &asked, headers, b"x").expect(401);
                check(&method, &path, &reply);
                assert!(reply.has("www-authenticate"));
                reply.text()
            })
            .collect();
        assert!(said.iter().all(|text| *text == said[0]), "{said:?}");
        // One scope too little.
        let token = if scope == "hash" { &place.matching } else { &place.hashing };
        let reply = place.ask(&method.to_uppercase(), &asked, &bearer(token), b"x").expect(403);
        check(&method, &path, &reply);
        assert!(reply.text().contains(&format!("`{scope}`")));
    }
}

/// As far as a clock on a busy machine can tell: both are the time of one argon2, and none is a shortcut.
#[test]
fn an_unknown_token_takes_as_long_as_a_wrong_one() {
    let place = Place::new();
    let (id, _) = place.all.rsplit_once('_').unwrap();
    let time = |token: String| {
        let began = Instant::now();
        place.get(&token, "/v1/index").expect(401);
        began.elapsed()
    };
    // In turns, so that whatever else the machine does meets both.
    let (mut wrong, mut unknown) = (Duration::MAX, Duration::MAX);
    for number in 0..15 {
        wrong = wrong.min(time(format!("{id}_wrong{number}")));
        unknown = unknown.min(time(format!("lykta_0123456789abcdef_wrong{number}")));
    }
    let ratio = wrong.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.3..3.0).contains(&ratio), "{wrong:?} {unknown:?}");
}

/// Argon2 is slow on purpose, and whoever sends wrong tokens makes it run.
#[test]
fn a_flood_of_wrong_tokens_does_not_keep_clients_out() {
    let place = Place::new();
    place.get(&place.matching, "/v1/index").expect(200);
    let (id, _) = place.all.rsplit_once('_').unwrap();
    let statuses: Vec<u16> = thread::scope(|scope| {
        let place = &place;
        let ask = |number: u32| move || place.get(&format!("{id}_{number}"), "/v1/index").status;
        let flood: Vec<_> = (0..80).map(|number| scope.spawn(ask(number))).collect();
        thread::sleep(Duration::from_millis(50));
        let began = Instant::now();
        (0..5).for_each(|_| drop(place.get(&place.matching, "/v1/index").expect(200)));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        flood.into_iter().map(|ask| ask.join().unwrap()).collect()
    });
    assert!(statuses.iter().all(|status| [401, 503].contains(status)), "{statuses:?}");
    assert!(statuses.contains(&401));
}

/// After a start every client comes for the first time.
#[test]
fn a_flood_of_unknown_tokens_does_not_keep_out_who_comes_for_the_first_time() {
    let place = Place::new();
    thread::scope(|scope| {
        let place = &place;
        let ask = |number: u32| {
            move || {
                for turn in 0..5 {
                    place.get(&format!("lykta_0123456789abcdef_{number}_{turn}"), "/v1/index");
                }
            }
        };
        let flood: Vec<_> = (0..60).map(|number| scope.spawn(ask(number))).collect();
        thread::sleep(Duration::from_millis(100));
        for token in [&place.all, &place.matching] {
            place.get(token, "/v1/index").expect(200);
        }
        assert!(!flood.iter().all(thread::ScopedJoinHandle::is_finished), "the flood was over before");
    });
}

#[test]
fn a_token_is_taken_as_a_password_too_and_is_quick_the_second_time() {
    let place = Place::new();
    let pair = Base64::encode_string(format!("scart:{}", place.matching).as_bytes());
    let headers =
        format!("Authorization: Basic {pair}\r\nContent-Type: application/x-www-form-urlencoded\r\n");
    let ask = || place.ask("POST", "/v1/check/md5", &headers, MD5.as_bytes()).expect(200);
    assert_eq!(ask().text(), "true");
    let began = Instant::now();
    (0..20).for_each(|_| drop(ask()));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[test]
fn distances_need_their_scope_where_the_shape_has_them() {
    let place = Place::new();
    let signal = format!("signal={MD5}&signal_type=video_md5");
    for path in [format!("/m/lookup?{signal}"), format!("/m/raw_lookup?{signal}&include_distance=true")] {
        let reply = place.get(&place.matching, &path).expect(403);
        check("get", path.split('?').next().unwrap(), &reply);
        assert!(reply.text().contains("`distance`"));
    }
    place.upload(&place.matching, "/m/lookup", "photo", b"abc").expect(403);
    place.get(&place.matching, &format!("/m/raw_lookup?{signal}")).expect(200);
}

#[test]
fn whoever_asks_too_often_is_told_when_to_come_back() {
    let place = Place::with(|config| {
        config.limits.hashes = 5;
        config.tokens[1].rate = Some(Rate { per_second: 0.5, burst: 10.0 });
    });
    let hash = format!("md5:{MD5}");
    place.batch(&place.matching, &[hash.as_str(); 5]).expect(200);
    place.batch(&place.matching, &[hash.as_str(); 5]).expect(200);
    let reply = place.batch(&place.matching, &[&hash]).expect(429);
    check("post", "/v1/match/hashes", &reply);
    assert!(reply.has("retry-after"), "{}", reply.head);
    // Another client is not concerned.
    place.batch(&place.all, &[&hash]).expect(200);
}

#[test]
fn it_does_not_start_open_to_all() {
    let refused = |change: &dyn Fn(&mut lykta_server::Config)| {
        let mut config = lykta_server::Config {
            index: vec!["none.lykta".into()],
            bind: "127.0.0.1:0".parse().unwrap(),
            ..Default::default()
        };
        change(&mut config);
        Server::start(config).err().expect("refused")
    };
    assert!(matches!(refused(&|_| ()), StartError::Setting(text) if text.contains("lykta serve token")));
    let open = refused(&|config| {
        config.no_auth = true;
        config.bind = "0.0.0.0:0".parse().unwrap();
    });
    assert!(open.to_string().contains("loopback"));
    let both = refused(&|config| {
        config.no_auth = true;
        crate::place::tokens(config);
    });
    assert!(both.to_string().contains("there are tokens"));
    let place = Place::with(|config| {
        config.no_auth = true;
        config.tokens.clear();
    });
    // A browser that was led here by another name is not answered.
    let elsewhere = place.get("", "/v1/index").expect(403);
    assert!(elsewhere.text().contains("loopback"));
    let reply =
        place.send(b"GET /v1/index HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nConnection: close\r\n\r\n").unwrap();
    reply.expect(200);
}
