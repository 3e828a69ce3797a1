//! Every path, with what it answers, against the OpenAPI document.

use serde_json::json;

use crate::place::{KNOWN, MD5, PDQ, Place, SHA1, UNKNOWN, bearer, form};
use crate::schema::check;

#[test]
fn a_file_is_compared_raw_or_in_a_form() {
    let place = Place::new();
    for reply in [
        place.post(&place.all, "/v1/match", KNOWN),
        place.upload(&place.all, "/v1/match", "file", KNOWN),
        place.upload(&place.all, "/v1/match", "anything", KNOWN),
    ] {
        let reply = reply.expect(200);
        check("post", "/v1/match", &reply);
        let answer = reply.json();
        assert_eq!(answer["outcome"], "matched_near_only");
        assert_eq!(answer["matches"][0]["list"], "demo.csv");
        assert_eq!(answer["matches"][0]["view"], "flip_y");
        assert!(answer["matches"][0]["distance"].is_u64());
    }
    let reply = place.post(&place.all, "/v1/match", UNKNOWN).expect(200);
    check("post", "/v1/match", &reply);
    assert_eq!(reply.json()["matches"], json!([]));
    assert_eq!(reply.json()["outcome"], "unmatched_exact_and_near");
    let reply = place.post(&place.all, "/v1/match", b"abc").expect(200);
    check("post", "/v1/match", &reply);
    assert_eq!(reply.json()["outcome"], "matched_exact");
    // A damaged picture is no answer to rest upon, and says so.
    let reply = place.post(&place.all, "/v1/match", &UNKNOWN[..3000]).expect(200);
    check("post", "/v1/match", &reply);
    let answer = reply.json();
    assert_eq!((&answer["outcome"], &answer["compared"]), (&json!("failed"), &json!("exact")));
    assert!(answer["detail"].is_string() && answer["reason"].is_string());
}

#[test]
fn a_batch_of_any_kinds_is_answered_in_its_order() {
    let place = Place::new();
    let (md5, sha1, pdq) = (format!("md5:{MD5}"), format!("sha1:{SHA1}"), format!("pdq:{PDQ}"));
    let none = format!("sha256:{}", "0".repeat(64));
    let blank = format!("pdq:{}", "f".repeat(64));
    let asked = [&*pdq, "nonsense", &md5, &none, &sha1, "phash:0123456789abcdef", &blank];
    let reply = place.batch(&place.all, &asked).expect(200);
    check("post", "/v1/match/hashes", &reply);
    let answer = reply.json();
    let answers = answer["answers"].as_array().unwrap();
    for (asked, answer) in asked.iter().zip(answers) {
        assert_eq!(answer["hash"], *asked);
    }
    let is_error = |answer: &serde_json::Value| answer["error"].is_string();
    let errors: Vec<bool> = answers.iter().map(is_error).collect();
    assert_eq!(errors, [false, true, false, false, false, true, true]);
    assert_eq!(answers[0]["matches"][0]["distance"], 0);
    assert_eq!(answers[2]["matches"][0]["entry"], "abc");
    assert_eq!(answers[2]["matches"][0]["weak"], true);
    assert_eq!(answers[3]["matches"], json!([]));
    assert_eq!(place.batch(&place.all, &[]).expect(200).json()["answers"], json!([]));
}

/// A list may call its entries by their hashes: then a match must not say the name.
#[test]
fn an_answer_never_has_the_hash_of_an_entry() {
    let place = Place::new();
    let mut near = PDQ.to_owned();
    near.replace_range(0..1, "1");
    for token in [&place.all, &place.matching] {
        let text = place.batch(token, &[&format!("pdq:{near}")]).expect(200).text();
        assert!(text.contains("\"first\"") && text.contains("\"row 3\""), "{text}");
        assert!(!text.contains(PDQ) && !text.contains(SHA1), "{text}");
    }
}

#[test]
fn distances_and_views_are_for_those_who_may_see_them() {
    let place = Place::new();
    let answers = [
        place.post(&place.matching, "/v1/match", KNOWN).expect(200),
        place.batch(&place.matching, &[&format!("pdq:{PDQ}")]).expect(200),
    ];
    for (reply, path) in answers.iter().zip(["/v1/match", "/v1/match/hashes"]) {
        check("post", path, reply);
        let text = reply.text();
        for key in ["distance", "view", "rectangle", "coarse_distance", "band", "plain", "entry_view"] {
            assert!(!text.contains(&format!("\"{key}\"")), "{key}: {text}");
        }
        assert!(text.contains("\"entry\""));
    }
}

#[test]
fn a_file_is_hashed() {
    let place = Place::new();
    let reply = place.post(&place.hashing, "/v1/hash", KNOWN).expect(200);
    check("post", "/v1/hash", &reply);
    assert_eq!(reply.json()["pdq"].as_str().unwrap().len(), 64);
    let reply = place.upload(&place.hashing, "/v1/hash", "file", b"abc").expect(200);
    check("post", "/v1/hash", &reply);
    assert_eq!((&reply.json()["md5"], &reply.json()["sha1"]), (&json!(MD5), &json!(SHA1)));
    assert!(reply.json()["error"].is_string());
}

#[test]
fn the_service_tells_of_itself() {
    let place = Place::new();
    let reply = place.get("", "/healthz").expect(200);
    check("get", "/healthz", &reply);
    let reply = place.get("", "/readyz").expect(200);
    check("get", "/readyz", &reply);
    assert_eq!(reply.json()["stale"], false);
    let reply = place.get(&place.matching, "/v1/index").expect(200);
    check("get", "/v1/index", &reply);
    let index = reply.json();
    assert_eq!(index["files"][0]["lists"][1]["bank"], "SMALL_LIST_CSV");
    assert_eq!(index["hashes"]["md5"], 1);
    let reply = place.get("", "/docs").expect(200);
    check("get", "/docs", &reply);
    assert!(reply.head.contains("content-security-policy: default-src 'none'; style-src 'self'"));
    check("get", "/docs.css", &place.get("", "/docs.css").expect(200));
    let reply = place.get("", "/openapi.json").expect(200);
    check("get", "/openapi.json", &reply);
    assert_eq!(reply.text(), lykta_server::document_text());
    place.batch(&place.all, &[&format!("md5:{MD5}")]).expect(200);
    let reply = place.get(&place.all, "/metrics").expect(200);
    check("get", "/metrics", &reply);
    let text = reply.text();
    for line in ["lykta_hashes_total 1", "lykta_ready 1", "lykta_stale 0", "lykta_generations 1"] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    assert!(text.contains("lykta_requests_total{route=\"/v1/match/hashes\",status=\"200\"} 1"));
    // What has no path is counted, too, and never by what was asked for.
    place.get("", "/nothing-here").expect(404);
    place.get("", "/v1/match").expect(405);
    let text = place.server().metrics();
    assert!(text.contains("lykta_requests_total{route=\"-\",status=\"404\"} 1"), "{text}");
    assert!(
        text.contains("lykta_requests_total{route=\"-\",status=\"405\"} 1") && !text.contains("nothing-here")
    );
}

#[test]
fn what_is_not_there_and_what_is_wrong_is_a_problem_that_says_what_to_do() {
    let place = Place::with(|config| {
        config.limits.body_bytes = 100_000;
        config.limits.hashes = 10;
    });
    let json = format!("{}Content-Type: application/json\r\n", bearer(&place.all));
    let ask = |path: &str, headers: &str, body: &[u8]| place.ask("POST", path, headers, body);
    let cases = [
        (place.get("", "/v2/match"), 404, ""),
        (place.get("", "/v1/match"), 405, ""),
        (place.ask("DELETE", "/healthz", "", b""), 405, ""),
        (ask("/v1/match/hashes", &json, b"{\"hashes\":[1]}"), 400, "/v1/match/hashes"),
        (ask("/v1/match/hashes", &json, b"{\"hashes\":[],\"more\":1}"), 400, "/v1/match/hashes"),
        (ask("/v1/match/hashes", &json, b""), 400, "/v1/match/hashes"),
        (ask("/v1/match/hashes", &json, &[b'['; 1200]), 400, "/v1/match/hashes"),
        (ask("/v1/match/hashes", &json, &[b' '; 2000]), 413, "/v1/match/hashes"),
        (place.batch(&place.all, &["a"; 11]), 413, "/v1/match/hashes"),
        (place.post(&place.all, "/v1/match/hashes", b"{}"), 415, "/v1/match/hashes"),
        (place.post(&place.all, "/v1/match", &[0; 100_001]), 413, "/v1/match"),
        (
            ask(
                "/v1/match",
                &format!("{}Content-Type: multipart/form-data; boundary=XyZ\r\n", bearer(&place.all)),
                &form(&[("a", b"1"), ("b", b"2")]),
            ),
            400,
            "/v1/match",
        ),
        (
            ask(
                "/v1/hash",
                &format!("{}Content-Type: multipart/form-data; boundary=XyZ\r\n", bearer(&place.all)),
                b"--XyZ--",
            ),
            400,
            "/v1/hash",
        ),
    ];
    for body in [form(&[("file", b"")]), Vec::new()] {
        for path in ["/v1/match", "/v1/hash"] {
            let form =
                if body.is_empty() { "" } else { "Content-Type: multipart/form-data; boundary=XyZ\r\n" };
            let reply = ask(path, &format!("{}{form}", bearer(&place.all)), &body).expect(400);
            check("post", path, &reply);
            assert!(reply.text().contains("empty"), "{}", reply.text());
        }
    }
    for (number, (reply, status, path)) in cases.into_iter().enumerate() {
        assert_eq!(reply.status, status, "{number}: {}", reply.text());
        assert!(reply.head.contains("application/problem+json"), "{number}");
        let problem = reply.json();
        assert_eq!(problem["status"], status);
        assert!(problem["type"].as_str().unwrap().starts_with("urn:lykta:problem:"));
        assert!(problem["detail"].as_str().unwrap().len() > 20);
        if !path.is_empty() {
            check("post", path, &reply);
        }
    }
}

#[test]
fn hma_looks_up_as_its_clients_expect() {
    let place = Place::new();
    let all = |path: &str| place.get(&place.all, path);
    let reply = all(&format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(200);
    check("get", "/m/lookup", &reply);
    // Rows 3 and 2 of the second list, in the order of their names.
    let second = 1u64 << 32;
    let contents = json!([
        {"bank_content_id": second + 3, "distance": "0"},
        {"bank_content_id": second + 2, "distance": "0"},
    ]);
    assert_eq!(reply.json(), json!({"SMALL_LIST_CSV": contents}));
    let none = all(&format!("/m/lookup?signal={}&signal_type=video_md5&seed=7", "0".repeat(32))).expect(200);
    assert_eq!(none.json(), json!({}));
    let reply = all(&format!("/m/raw_lookup?signal={PDQ}&signal_type=pdq&include_distance=True")).expect(200);
    check("get", "/m/raw_lookup", &reply);
    assert_eq!(reply.json(), json!({"matches": contents}));
    let path = format!("/m/raw_lookup?signal={MD5}&signal_type=video_md5");
    let reply = place.get(&place.matching, &path).expect(200);
    check("get", "/m/raw_lookup", &reply);
    assert_eq!(reply.json(), json!({"matches": [second + 1]}));
    for (banks, count) in [("SMALL_LIST_CSV", 1), ("DEMO_CSV,SMALL_LIST_CSV", 1), ("DEMO_CSV", 0), ("", 1)] {
        let reply = place.get(&place.matching, &format!("{path}&banks={banks}")).expect(200);
        assert_eq!(reply.json()["matches"].as_array().unwrap().len(), count, "{banks}");
    }
    // What is in no bank is never a match.
    check("get", "/m/raw_lookup", &place.get(&place.matching, &format!("{path}&banks=OTHER")).expect(400));
    let reply = all("/m/index/status").expect(200);
    check("get", "/m/index/status", &reply);
    assert_eq!(reply.json()["video_md5"]["size"], 1);
    let one = all("/m/index/status?signal_type=pdq").expect(200).json();
    assert_eq!(one.as_object().unwrap().keys().collect::<Vec<_>>(), ["pdq"]);
    for (path, operation) in [
        (format!("/m/lookup?signal={PDQ}&signal_type=raw_text"), "/m/lookup"),
        (format!("/m/lookup?signal={PDQ}0&signal_type=pdq"), "/m/lookup"),
        (format!("/m/lookup?signal={PDQ}"), "/m/lookup"),
        ("/m/raw_lookup?signal_type=pdq".to_owned(), "/m/raw_lookup"),
        ("/m/raw_lookup?signal=1&signal=2&signal_type=pdq".to_owned(), "/m/raw_lookup"),
        ("/m/index/status?signal_type=url".to_owned(), "/m/index/status"),
        ("/h/hash".to_owned(), "/h/hash"),
    ] {
        let reply = all(&path).expect(400);
        check("get", operation, &reply);
        assert!(reply.json()["message"].is_string());
    }
}

#[test]
fn hma_takes_files_and_fetches_nothing() {
    let place = Place::new();
    let reply = place.upload(&place.all, "/m/lookup?bypass_coinflip=true", "photo", KNOWN).expect(200);
    check("post", "/m/lookup", &reply);
    let answer = reply.json();
    let contents = answer["pdq"]["DEMO_CSV"].as_array().unwrap();
    assert!(contents[0]["distance"].is_string() && contents[0]["bank_content_id"].is_u64(), "{answer}");
    let reply = place.upload(&place.all, "/m/lookup", "photo", UNKNOWN).expect(200);
    assert_eq!(reply.json(), json!({"pdq": {}}));
    let reply = place.upload(&place.all, "/m/lookup", "video", b"abc").expect(200);
    assert_eq!(reply.json()["video_md5"]["SMALL_LIST_CSV"][0]["distance"], "0");
    let reply = place.upload(&place.hashing, "/h/hash", "photo", KNOWN).expect(200);
    check("post", "/h/hash", &reply);
    let pdq = place.post(&place.hashing, "/v1/hash", KNOWN).expect(200).json()["pdq"].clone();
    assert_eq!(reply.json(), json!({"pdq": pdq}));
    let reply = place.upload(&place.hashing, "/h/hash?types=video_md5", "video", b"abc").expect(200);
    assert_eq!(reply.json(), json!({"video_md5": MD5}));
    for (path, field, content) in [
        ("/h/hash", "text", KNOWN),
        ("/h/hash", "photo", b"abc"),
        ("/h/hash?types=video_md5", "photo", KNOWN),
        ("/m/lookup", "photo", &UNKNOWN[..2000]),
    ] {
        check(
            "post",
            path.split('?').next().unwrap(),
            &place.upload(&place.all, path, field, content).expect(400),
        );
    }
    place.post(&place.all, "/h/hash", KNOWN).expect(400);
    for path in
        ["/h/hash?url=http://127.0.0.1/a.jpg", "/m/lookup?url=http://169.254.169.254/&content_type=photo"]
    {
        let reply = place.get(&place.all, path).expect(403);
        check("get", path.split('?').next().unwrap(), &reply);
        assert!(reply.text().contains("POST"));
    }
}

#[test]
fn scart_is_told_true_or_false_and_nothing_else() {
    let place = Place::new();
    let form = format!("{}Content-Type: application/x-www-form-urlencoded\r\n", bearer(&place.matching));
    let ask = |path: &str, body: &str| place.ask("POST", path, &form, body.as_bytes());
    let (upper, other) = (SHA1.to_ascii_uppercase(), "0".repeat(40));
    for (path, body, answer) in [
        ("/v1/check/sha1", SHA1, "true"),
        ("/v1/check/sha1", &upper, "true"),
        ("/v1/check/sha1", &other, "false"),
        ("/v1/check/md5", MD5, "true"),
        ("/v1/test/check/md5", &"ab".repeat(16), "true"),
        ("/v1/test/check/md5", MD5, "false"),
    ] {
        let reply = ask(path, body).expect(200);
        assert_eq!(reply.text(), answer, "{path}");
        let (operation, _) = path.rsplit_once('/').unwrap();
        check("post", &format!("{operation}/{{kind}}"), &reply);
    }
    for (path, body, status) in [
        ("/v1/check/sha1", MD5, 400),
        ("/v1/check/md5", "", 400),
        ("/v1/check/sha256", MD5, 404),
        ("/v1/check/%ff", MD5, 404),
        ("/v1/check/md5", &"a".repeat(300), 413),
    ] {
        let reply = ask(path, body).expect(status);
        check("post", "/v1/check/{kind}", &reply);
    }
}
