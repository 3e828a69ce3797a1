//! Files that are named by a URL: from listed hosts, and from no other.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::place::{KNOWN, MD5, Place, UNKNOWN};
use crate::schema::check;

/// A host that answers as its paths say, and keeps what it was asked.
fn host() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                // What begins with 22 is TLS, which is not spoken here.
                if stream.read(&mut byte).unwrap_or(0) == 0 || byte[0] == 22 {
                    break;
                }
                request.push(byte[0]);
            }
            let request = String::from_utf8(request).unwrap();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            kept.lock().unwrap().push(request);
            let answer = |status: &str, headers: &str, body: &[u8]| {
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n");
                [head.as_bytes(), body].concat()
            };
            let answer = match path.as_str() {
                "/known.jpg?a=b" => answer("200 OK", "Content-Type: image/jpeg\r\n", KNOWN),
                "/unknown.jpg" => answer("200 OK", "Content-Type: image/jpeg\r\n", UNKNOWN),
                "/abc" => answer("200 OK", "", b"abc"),
                "/elsewhere" => answer("302 Found", "Location: /abc\r\n", b""),
                "/packed" => answer("200 OK", "Content-Encoding: gzip\r\n", b"abc"),
                "/long" => answer("200 OK", "", &[0; 200_001]),
                "/endless" => b"HTTP/1.1 200 OK\r\n\r\nabc".to_vec(),
                "/cut" => b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc".to_vec(),
                "/nonsense" => b"nonsense\r\n\r\n".to_vec(),
                "/slow" => {
                    thread::sleep(Duration::from_secs(3));
                    Vec::new()
                }
                _ => answer("404 Not Found", "", b""),
            };
            let _ = stream.write_all(&answer);
        }
    });
    (address, asked)
}

#[test]
fn a_listed_host_is_asked_for_the_file() {
    let (address, asked) = host();
    let place = Place::with(|config| {
        config.fetch.hosts = vec![address.clone()];
        config.limits.body_bytes = 200_000;
        config.limits.request_seconds = 2;
    });
    let get = |path: &str| place.get(&place.all, &path.replace("HOST", &address));
    let reply = get("/m/lookup?url=http://HOST/known.jpg%3Fa%3Db").expect(200);
    check("get", "/m/lookup", &reply);
    assert!(reply.json()["pdq"]["DEMO_CSV"][0]["bank_content_id"].is_u64(), "{}", reply.text());
    let request = asked.lock().unwrap()[0].clone();
    assert!(request.to_ascii_lowercase().contains(&format!("host: {address}\r\n")), "{request}");
    assert!(!request.contains("lykta_"), "a token was sent to the host: {request}");
    assert_eq!(get("/m/lookup?url=http://HOST/unknown.jpg").expect(200).json(), json!({"pdq": {}}));
    let video = get("/m/lookup?url=http://HOST/abc&content_type=video").expect(200).json();
    assert_eq!(video["video_md5"]["SMALL_LIST_CSV"][0]["distance"], "0");
    let reply = get("/h/hash?url=http://HOST/abc&content_type=video").expect(200);
    check("get", "/h/hash", &reply);
    assert_eq!(reply.json(), json!({"video_md5": MD5}));
    let pdq = get("/h/hash?url=http://HOST/known.jpg%3Fa%3Db").expect(200).json();
    assert_eq!(pdq, place.upload(&place.all, "/h/hash", "photo", KNOWN).expect(200).json());
    for (path, status) in [
        ("/h/hash?url=http://HOST/abc", 400),
        ("/h/hash?url=http://HOST/abc&content_type=text", 400),
        ("/h/hash?url=http://HOST/elsewhere&content_type=video", 502),
        ("/h/hash?url=http://HOST/missing&content_type=video", 502),
        ("/h/hash?url=http://HOST/packed&content_type=video", 502),
        ("/h/hash?url=http://HOST/endless&content_type=video", 502),
        ("/h/hash?url=http://HOST/nonsense&content_type=video", 502),
        ("/h/hash?url=http://HOST/long&content_type=video", 413),
        ("/h/hash?url=http://HOST/cut&content_type=video", 502),
        ("/h/hash?url=http://HOST/slow&content_type=video", 408),
        ("/h/hash?url=https://HOST/abc&content_type=video", 502),
    ] {
        check("get", "/h/hash", &get(path).expect(status));
    }
}

#[test]
fn no_other_host_is_asked() {
    let (listed, _) = host();
    let (other, asked) = host();
    let place = Place::with(|config| config.fetch.hosts = vec![listed.clone()]);
    let port = other.split(':').nth(1).unwrap();
    for url in [
        format!("http://{other}/abc"),
        format!("http://localhost:{port}/abc"),
        format!("http://a@{other}/abc"),
        format!("http://127.0.0.2:{port}/abc"),
    ] {
        let path = format!("/h/hash?content_type=video&url={}", url.replace('@', "%40"));
        let reply = place.get(&place.all, &path).expect(403);
        check("get", "/h/hash", &reply);
        assert!(reply.text().contains("fetch.hosts"), "{}", reply.text());
    }
    assert!(asked.lock().unwrap().is_empty());
    // A host that may be asked is none for those who may not ask.
    let path = format!("/h/hash?content_type=video&url=http://{listed}/abc");
    place.get(&place.matching, &path).expect(403);
    place.get("", &path).expect(401);
}
