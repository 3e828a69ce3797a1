//! "No match" is said of what was compared, and of nothing else.

use serde_json::json;

use crate::place::{KNOWN, MD5, PDQ, Place, SHA1, UNKNOWN, bearer, build, form};
use crate::schema::check;

/// A picture without anything in it: P5, 64 by 64.
fn flat() -> Vec<u8> {
    [b"P5 64 64 255\n".as_slice(), &[90; 64 * 64]].concat()
}

fn md5(place: &Place, content: &[u8]) -> String {
    place.post(&place.hashing, "/v1/hash", content).expect(200).json()["md5"].as_str().unwrap().to_owned()
}

/// A service whose only list is this one.
fn with_list(list: &str, change: impl FnOnce(&mut lykta_server::Config)) -> Place {
    Place::with(|config| {
        build(&config.index[0], &[("only.csv", list.as_bytes())]);
        change(config);
    })
}

#[test]
fn a_body_that_is_not_the_file_is_refused() {
    let place = Place::new();
    let token = bearer(&place.all);
    let in_parts = form(&[("file", KNOWN)]);
    for path in ["/v1/match", "/v1/hash", "/m/lookup", "/h/hash"] {
        for kind in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"XyZ",
            "multipart/mixed; boundary=XyZ",
        ] {
            let headers = format!("{token}Content-Type: {kind}\r\n");
            check("post", path, &place.ask("POST", path, &headers, &in_parts).expect(400));
        }
        let headers =
            format!("{token}Content-Type: multipart/form-data; boundary=XyZ\r\nContent-Encoding: gzip\r\n");
        check("post", path, &place.ask("POST", path, &headers, &in_parts).expect(415));
    }
    for (path, kind) in [("/v1/match/hashes", "application/json"), ("/v1/check/md5", "text/plain")] {
        let headers = format!("{token}Content-Type: {kind}\r\nContent-Encoding: deflate\r\n");
        let reply = place.ask("POST", path, &headers, MD5.as_bytes()).expect(415);
        check("post", &path.replace("md5", "{kind}"), &reply);
    }
    let headers = format!("{token}Content-Encoding: identity\r\n");
    place.ask("POST", "/v1/match", &headers, KNOWN).expect(200);
}

#[test]
fn a_kind_of_which_the_lists_hold_none_is_not_compared() {
    let place = with_list(&format!("id,md5\nabc,{MD5}\n"), |_| ());
    let (sha1, pdq) = (format!("sha1:{SHA1}"), format!("pdq:{PDQ}"));
    let answer =
        place.batch(&place.all, &[&format!("md5:{}", "0".repeat(32)), &sha1, &pdq]).expect(200).json();
    assert_eq!(answer["answers"][0]["error"], json!(null));
    for number in [1, 2] {
        let error = answer["answers"][number]["error"].as_str().unwrap();
        assert!(error.contains("the lists in use hold no"), "{error}");
    }
    // SCARt takes a `false` for an answer.
    assert_eq!(
        place.post(&place.all, "/v1/check/md5", "0".repeat(32).as_bytes()).expect(200).text(),
        "false"
    );
    let reply = place.post(&place.all, "/v1/check/sha1", SHA1.as_bytes()).expect(503);
    check("post", "/v1/check/{kind}", &reply);
    assert!(!reply.text().contains("false") && reply.text().contains("hold no sha1"), "{}", reply.text());
    // And a client of HMA an empty one.
    let reply = place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(503);
    check("get", "/m/lookup", &reply);
    place.get(&place.all, &format!("/m/raw_lookup?signal={PDQ}&signal_type=pdq")).expect(503);
    check("post", "/m/lookup", &place.upload(&place.all, "/m/lookup", "photo", KNOWN).expect(503));
    let answer = place.upload(&place.all, "/m/lookup", "video", KNOWN).expect(200).json();
    assert_eq!(answer, json!({"video_md5": {}}));
}

#[test]
fn without_near_matching_nothing_is_said_of_likeness() {
    let other = Place::new();
    let known = md5(&other, UNKNOWN);
    let place =
        with_list(&format!("id,md5,pdq\nknown,{known},{PDQ}\n"), |config| config.matching.near = false);
    let answer = place.batch(&place.all, &[&format!("pdq:{PDQ}")]).expect(200).json();
    assert!(answer["answers"][0]["error"].as_str().unwrap().contains("`near` is false"), "{answer}");
    let reply = place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(503);
    assert!(reply.text().contains("`near` is false"), "{}", reply.text());
    place.upload(&place.all, "/m/lookup", "photo", KNOWN).expect(503);
    assert_eq!(place.post(&place.all, "/v1/match", KNOWN).expect(200).json()["reason"], "near search off");
    // What is known by its digest is told all the same, as what it is.
    let answer = place.upload(&place.all, "/m/lookup", "photo", UNKNOWN).expect(200).json();
    assert_eq!(answer, json!({"video_md5": {"ONLY_CSV": [{"bank_content_id": 1, "distance": "0"}]}}));
    place.upload(&place.all, "/m/lookup?types=pdq", "photo", UNKNOWN).expect(503);
}

#[test]
fn a_picture_that_cannot_be_compared_is_no_empty_answer() {
    let other = Place::new();
    let damaged = &UNKNOWN[..2000];
    let list = format!("id,md5,sha256,pdq\nknown,{},,{PDQ}\n", md5(&other, damaged));
    let place = with_list(&list, |_| ());
    let reply = place.upload(&place.all, "/m/lookup", "photo", &flat()).expect(400);
    assert!(reply.text().contains("too flat"), "{}", reply.text());
    assert_eq!(
        place.post(&place.all, "/v1/match", &flat()).expect(200).json()["reason"],
        "quality below the gate"
    );
    place.upload(&place.all, "/m/lookup", "photo", b"no picture").expect(400);
    place.upload(&place.all, "/m/lookup", "photo", &UNKNOWN[..1000]).expect(400);
    // Damaged, and known as it is.
    let answer = place.upload(&place.all, "/m/lookup", "photo", damaged).expect(200).json();
    assert_eq!(answer["video_md5"]["ONLY_CSV"][0]["bank_content_id"], 1);
    assert_eq!(answer["pdq"], json!(null));
    // A blank hash is compared with nothing.
    let blank = format!("/m/lookup?signal={}&signal_type=pdq", "0".repeat(64));
    check("get", "/m/lookup", &place.get(&place.all, &blank).expect(400));
}

/// Names of digests for which HMA has none are there for a file that is known by them alone.
#[test]
fn a_file_that_is_known_by_any_digest_is_told_to_clients_of_hma() {
    let list = format!("id,sha1,md5,pdq\nabc,{SHA1},,\nother,,{},{PDQ}\n", "1".repeat(32));
    let place = with_list(&list, |_| ());
    let answer = place.upload(&place.all, "/m/lookup", "video", b"abc").expect(200).json();
    let content = json!([{"bank_content_id": 1, "distance": "0"}]);
    assert_eq!(answer, json!({"video_md5": {}, "sha1": {"ONLY_CSV": content}}));
}

#[test]
fn an_entry_of_low_quality_is_not_compared_and_that_is_said() {
    let place = with_list(&format!("id,md5,pdq,pdq_quality\nflat,{MD5},{PDQ},10\n"), |_| ());
    let answer = place.batch(&place.all, &[&format!("pdq:{PDQ}")]).expect(200).json();
    assert!(answer["answers"][0]["error"].as_str().unwrap().contains("quality"), "{answer}");
    let reply = place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(503);
    assert!(reply.text().contains("quality"), "{}", reply.text());
}

/// A list may have an entry many times; what is answered is bounded, and asking again and again costs no more.
#[test]
fn a_hash_of_many_entries_is_told_within_its_limit() {
    let rows: Vec<String> = (0..300).map(|row| format!("{row},{MD5}\n")).collect();
    let place = with_list(&format!("id,md5\n{}", rows.concat()), |config| config.limits.matches = 2);
    let md5 = format!("md5:{MD5}");
    let answer = place.batch(&place.all, &[md5.as_str(); 40]).expect(200).json();
    let answers = answer["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 40);
    for answer in answers {
        assert_eq!(
            (answer["matches"].as_array().unwrap().len(), &answer["matches_left_out"]),
            (2, &json!(298))
        );
    }
}
