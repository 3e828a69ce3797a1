//! What is written down: never a hash, a token or a query.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::place::{KNOWN, MD5, PDQ, Place, SHA1};

#[derive(Clone, Default)]
struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Kept {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

/// The subscriber is that of the whole process, so the log has what other tests do, too: all the better.
#[test]
fn neither_log_nor_audit_nor_metrics_has_a_hash_or_a_token() {
    let kept = Kept::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::level_filters::LevelFilter::TRACE)
        .json()
        .with_writer(kept.clone())
        .finish();
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let mut audit = None;
    let mut place = Place::with(|config| {
        config.log.requests = true;
        let path = config.index[0].with_file_name("audit.jsonl");
        config.audit = Some(path.clone());
        audit = Some(path);
    });
    let hashes = place.post(&place.all, "/v1/hash", KNOWN).expect(200).json();
    place.post(&place.all, "/v1/match", KNOWN).expect(200);
    place.batch(&place.all, &[&format!("md5:{MD5}"), &format!("pdq:{PDQ}"), "sha1:zz"]).expect(200);
    place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=pdq")).expect(200);
    place.get(&place.all, &format!("/m/lookup?signal={PDQ}&signal_type=nothing")).expect(400);
    place.post(&place.matching, "/v1/check/sha1", SHA1.as_bytes()).expect(200);
    place.get("lykta_00_secret", "/v1/index").expect(401);
    let metrics = place.server().metrics();
    place.end();
    let audit = std::fs::read_to_string(audit.unwrap()).unwrap();
    let log = String::from_utf8(kept.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("\"/m/lookup\"") && log.contains("a file matched"), "{log}");
    let mut secrets =
        vec![MD5.to_owned(), SHA1.to_owned(), PDQ.to_owned(), place.all.clone(), "lykta_00_secret".into()];
    for kind in ["md5", "sha1", "sha256", "blake3", "pdq"] {
        secrets.push(hashes[kind].as_str().unwrap().to_owned());
    }
    for (name, text) in [("log", &log), ("audit", &audit), ("metrics", &metrics)] {
        for secret in &secrets {
            assert!(!text.contains(secret), "{name} has {secret}");
        }
    }
    // Who asked how many, chained.
    let lines: Vec<serde_json::Value> =
        audit.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "index", "asked", "asked", "stopped"]);
    let all = lines.iter().find(|line| line["client"] == "all").unwrap();
    assert_eq!(
        (&all["requests"], &all["hashes"], &all["compared_files"], &all["hashed_files"]),
        (&5.into(), &4.into(), &1.into(), &1.into())
    );
    assert_eq!((&all["refused"], &all["matched"]), (&1.into(), &4.into()));
    let path = place.folder.path().join("audit.jsonl");
    let checked = lykta_server::check_audit(&path, None).unwrap();
    assert_eq!((checked.lines, checked.altered, checked.torn), (5, None, 0));
    let of_all = &checked.clients["all"];
    assert_eq!((of_all.requests, of_all.refused, of_all.hashes, of_all.matched), (5, 1, 4, 4));
    assert!(lykta_server::check_audit(&path, Some(&checked.last_sha256)).unwrap().altered.is_none());
    assert!(lykta_server::check_audit(&path, Some(&"0".repeat(64))).unwrap().altered.is_some());
    // It is gone on with, and not when somebody changed it.
    let start = || {
        let config = lykta_server::Config {
            bind: "127.0.0.1:0".parse().unwrap(),
            index: vec![place.index.clone()],
            audit: Some(path.clone()),
            no_auth: true,
            isolate: false,
            ..Default::default()
        };
        lykta_server::Server::start(config)
    };
    drop(start().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with(&audit) && text.contains("\"resumed\""));
    std::fs::write(&path, text.replacen("\"requests\":5", "\"requests\":4", 1)).unwrap();
    let altered = lykta_server::check_audit(&path, None).unwrap().altered;
    assert_eq!(altered.map(|(line, _)| line), Some(3));
    let error = start().err().expect("refused").to_string();
    assert!(error.contains("not as it was written"), "{error}");
}
