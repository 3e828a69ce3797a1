use std::io::Write;
use std::ops::ControlFlow;

use proptest::prelude::*;
use sha1::{Digest, Sha1};

use super::super::testing::{Got, all, all_by, corpus, gzip, is_sturdy, noise, whole, zlib};
use super::super::{Container, Content, Input, Limits, Meter, members};

/// A record with the fields that every record has.
fn record(kind: &str, uri: &str, more: &str, block: &[u8]) -> Vec<u8> {
    let mut out =
        format!("WARC/1.1\r\nWARC-Type: {kind}\r\nWARC-Record-ID: <urn:uuid:0-{kind}>\r\n").into_bytes();
    if !uri.is_empty() {
        write!(out, "WARC-Target-URI: {uri}\r\n").unwrap();
    }
    write!(out, "WARC-Date: 2024-05-17T23:31:22Z\r\n{more}Content-Length: {}\r\n\r\n", block.len()).unwrap();
    out.extend_from_slice(block);
    out.extend_from_slice(b"\r\n\r\n");
    out
}

fn response(uri: &str, head: &str, body: &[u8]) -> Vec<u8> {
    let block = [format!("HTTP/1.1 200 OK\r\nServer: x\r\n{head}\r\n").as_bytes(), body].concat();
    record("response", uri, "WARC-IP-Address: 192.0.2.7\r\nWARC-Payload-Digest: sha1:X\r\n", &block)
}

fn chunked(body: &[u8], size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in body.chunks(size) {
        write!(out, "{:x};ext=1\r\n", chunk.len()).unwrap();
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"0\r\nTrailer: x\r\n\r\n");
    out
}

fn crawl() -> (Vec<Vec<u8>>, Vec<u8>) {
    let picture = noise(1, 20_000);
    let records = vec![
        record("warcinfo", "", "", b"software: x\r\n"),
        record("request", "http://a/1", "", b"GET / HTTP/1.1\r\n\r\n"),
        response("http://a/1", "", &picture),
        response("http://a/2", "Transfer-Encoding: chunked\r\n", &chunked(&picture, 777)),
        response(
            "http://a/3",
            "transfer-encoding: chunked\r\ncontent-encoding: gzip\r\n",
            &chunked(&gzip(&picture), 999),
        ),
        record("metadata", "http://a/1", "", b"via: x"),
        record(
            "revisit",
            "http://a/1",
            "WARC-Refers-To-Target-URI: http://a/0\r\nWARC-Refers-To-Date: 2020\r\n",
            b"HTTP/1.1 304\r\n\r\n",
        ),
        record("resource", "file:///x", "", &picture),
        record("conversion", "http://a/9", "", b"text"),
    ];
    (records, picture)
}

fn check_crawl(found: &[Got], picture: &[u8]) {
    let names: Vec<&str> = found.iter().map(|got| &got.name[..]).collect();
    assert_eq!(
        names,
        [
            "warcinfo",
            "request http://a/1",
            "http://a/1",
            "http://a/2",
            "http://a/3",
            "metadata http://a/1",
            "http://a/1",
            "file:///x",
            "http://a/9"
        ]
    );
    for got in [2, 3, 4, 7] {
        assert!(found[got].bytes == picture, "{}", found[got].name);
        assert_eq!(found[got].end, None);
    }
    assert_eq!(found[0].bytes, b"software: x\r\n");
    assert_eq!(found[1].bytes, b"GET / HTTP/1.1\r\n\r\n");
    assert_eq!(found[6].end.as_deref(), Some("Elsewhere(\"http://a/0 of 2020\")"));
    let capture = found[2].capture.as_ref().unwrap();
    assert_eq!(
        [&capture.target_uri, &capture.date, &capture.ip, &capture.payload_digest, &capture.record_id],
        ["http://a/1", "2024-05-17T23:31:22Z", "192.0.2.7", "sha1:X", "<urn:uuid:0-response>"]
    );
}

/// Where each begins when they are one behind the other.
fn offsets(records: &[Vec<u8>]) -> Vec<Option<u64>> {
    let mut at = 0;
    let mut step = |record: &Vec<u8>| {
        at += record.len() as u64;
        Some(at - record.len() as u64)
    };
    records.iter().map(&mut step).collect()
}

#[test]
fn members_are_the_same_however_a_crawl_is_compressed() {
    let (records, picture) = crawl();
    let plain = records.concat();
    let found = whole(Container::Warc, &plain);
    check_crawl(&found, &picture);
    assert_eq!(found.iter().map(|got| got.offset).collect::<Vec<_>>(), offsets(&records));

    let each: Vec<_> = records.iter().map(|record| gzip(record)).collect();
    let found = whole(Container::Warc, &each.concat());
    check_crawl(&found, &picture);
    assert_eq!(found.iter().map(|got| got.offset).collect::<Vec<_>>(), offsets(&each));

    check_crawl(&whole(Container::Warc, &gzip(&plain)), &picture);
    let blocks: Vec<_> = plain.chunks(1000).map(gzip).collect();
    check_crawl(&whole(Container::Warc, &blocks.concat()), &picture);
    // Trickled.
    for bytes in [plain, each.concat(), blocks.concat()] {
        assert_eq!(all_by(Container::Warc, &bytes, 1), all(Container::Warc, &bytes));
    }
}

#[test]
fn bodies_are_decoded_only_if_they_are_coded() {
    let body = [b"\x89PNG\r\n\x1a\n".to_vec(), noise(3, 9000)].concat();
    let brotli = b"\x0b\x02\x80hello\x03";
    let raw = &zlib(&body)[2..];
    for (head, stored, expected) in [
        ("Content-Encoding: gzip\r\n", gzip(&body), &body[..]),
        ("Content-Encoding: x-gzip\r\n", body.clone(), &body),
        ("Content-Encoding: deflate\r\n", zlib(&body), &body),
        ("Content-Encoding: deflate\r\n", body.clone(), &body),
        ("Content-Encoding: br\r\n", brotli.to_vec(), b"hello"),
        ("Content-Encoding: br\r\n", body.clone(), &body),
        (
            "Content-Encoding: br\r\n",
            b"\x11\x1e\x0b\x02\x80hello\x03".to_vec(),
            b"\x11\x1e\x0b\x02\x80hello\x03",
        ),
        ("Content-Encoding: identity\r\n", body.clone(), &body),
        ("Content-Encoding: deflate,\r\n gzip\r\n", gzip(&zlib(&body)), &body),
        ("Transfer-Encoding: chunked\r\n", body.clone(), &body),
        ("Transfer-Encoding: chunked\r\n", chunked(&body, 1), &body),
        ("Transfer-Encoding: gzip, chunked\r\n", chunked(&gzip(&body), 50), &body),
        ("Transfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n", gzip(&body), &body),
        ("Transfer-Encoding: chunked\r\n", Vec::new(), b""),
        ("Content-Encoding: gzip\r\n", Vec::new(), b""),
    ] {
        let found = whole(Container::Warc, &response("http://a/", head, &stored));
        assert_eq!(found.len(), 1, "{head}");
        assert_eq!(found[0].end, None, "{head}");
        assert!(found[0].bytes == expected, "{head} gives {} bytes", found[0].bytes.len());
    }
    // Without the zlib header; the checksum behind it is not read.
    let found = whole(Container::Warc, &response("http://a/", "Content-Encoding: deflate\r\n", raw));
    assert!(found[0].bytes == body && found[0].end.is_none());
}

#[test]
fn what_cannot_be_decoded_gives_what_came_out_and_an_error() {
    let body = noise(4, 50_000);
    let mut packed = gzip(&body);
    let half = packed.len() / 2;
    for (head, stored, least) in [
        ("Content-Encoding: gzip\r\n", packed[..half].to_vec(), 20_000),
        ("Transfer-Encoding: chunked\r\n", chunked(&body, 4000)[..10_000].to_vec(), 9_900),
        (
            "Transfer-Encoding: chunked\r\n",
            [&chunked(&body, 4000)[..8026], b"no size\r\nabc"].concat(),
            8_000,
        ),
    ] {
        let (found, error) = all(Container::Warc, &response("http://a/", head, &stored));
        assert_eq!((found.len(), error), (1, None));
        assert!(found[0].end.is_some(), "{head}");
        assert!(
            body.starts_with(&found[0].bytes) && found[0].bytes.len() >= least,
            "{head}: {}",
            found[0].bytes.len()
        );
    }
    *packed.last_mut().unwrap() ^= 1;
    let (found, _) = all(Container::Warc, &response("http://a/", "Content-Encoding: gzip\r\n", &packed));
    assert!(found[0].bytes == body);
    assert_eq!(found[0].end.as_deref(), Some("is damaged: checksum of compressed data"));
}

#[test]
fn a_request_with_a_body_gives_both() {
    let block = b"POST /up HTTP/1.1\r\nContent-Type: image/png\r\n\r\npicture";
    let found = whole(Container::Warc, &record("request", "https://a/up", "", block));
    assert_eq!(found.len(), 2);
    assert_eq!([&found[0].name, &found[1].name], ["request https://a/up"; 2]);
    assert_eq!([&found[0].bytes[..], &found[1].bytes], [&block[..46], b"picture"]);
}

#[test]
fn a_record_cut_short_gives_what_is_there() {
    let (records, picture) = crawl();
    let last = response("http://a/last", "", &picture);
    for (before, last) in [
        (records.concat(), last.clone()),
        (records.iter().flat_map(|record| gzip(record)).collect(), gzip(&last)),
    ] {
        let cut = last.len() - 5000;
        let (found, error) = all(Container::Warc, &[&before[..], &last[..cut]].concat());
        assert_eq!((found.len(), error), (records.len() + 1, None));
        let last = &found[records.len()];
        assert_eq!(last.end.as_deref(), Some("is cut short"));
        assert!(picture.starts_with(&last.bytes) && last.bytes.len() > 14_000, "{}", last.bytes.len());
    }
}

#[test]
fn a_length_that_lies_costs_one_record_when_compressed_by_record() {
    let (records, picture) = crawl();
    for (len, says) in [("20\r\n", "are no record"), ("99999999\r\n", "is cut short")] {
        let liar =
            String::from_utf8(record("resource", "http://liar/", "", b"a block of its own, and more of it"))
                .unwrap()
                .replace("34\r\n", len);
        let bytes =
            [gzip(liar.as_bytes()), records.iter().flat_map(|record| gzip(record)).collect()].concat();
        let (found, error) = all(Container::Warc, &bytes);
        assert_eq!(error, None);
        check_crawl(&found[found.len() - records.len()..], &picture);
        let told: Vec<_> = found.iter().filter_map(|got| got.end.as_deref()).collect();
        assert!(told.iter().any(|end| end.contains(says)), "{told:?}");
        assert!(found[0].bytes.starts_with(b"a block of its own, "));
    }
    // Otherwise the next record is found by its first line, when the length is too small.
    let liar = record("resource", "http://liar/", "", b"0123456789").concat_lie();
    let (found, _) = all(Container::Warc, &[liar, records.concat()].concat());
    check_crawl(&found[2..], &picture);
    assert_eq!(found[1].end.as_deref(), Some("is damaged: 7 bytes are no record"));
}

trait Lie {
    fn concat_lie(&self) -> Vec<u8>;
}

impl Lie for Vec<u8> {
    fn concat_lie(&self) -> Vec<u8> {
        String::from_utf8(self.clone())
            .unwrap()
            .replace("Content-Length: 10", "Content-Length: 7")
            .into_bytes()
    }
}

#[test]
fn damage_in_a_compressed_record_costs_that_record() {
    let (records, picture) = crawl();
    let each: Vec<_> = records.iter().map(|record| gzip(record)).collect();
    let victim = 7;
    for at in [0, 10, each[victim].len() / 2, each[victim].len() - 6] {
        let mut bytes = each.clone();
        bytes[victim][at] ^= 0x55;
        bytes[victim][at + 1] ^= 0x55;
        let (found, error) = all(Container::Warc, &bytes.concat());
        assert_eq!(error, None);
        let others: Vec<_> =
            found.iter().filter(|got| got.offset != offsets(&each)[victim]).cloned().collect();
        assert_eq!(others.len(), records.len() - 1, "{at}");
        let told: Vec<_> = found.iter().filter(|got| got.offset == offsets(&each)[victim]).collect();
        assert_eq!(told.iter().filter(|got| got.end.is_some()).count(), 1, "{at}: {:?}", told[0].end);
        let mut mended = others;
        mended.insert(victim, Got { name: "file:///x".into(), bytes: picture.clone(), ..Got::default() });
        check_crawl(&mended, &picture);
    }
}

#[test]
fn a_head_without_end_is_passed_over() {
    let (records, picture) = crawl();
    let mut long = b"WARC/1.0\r\n".to_vec();
    while long.len() < 200_000 {
        long.extend_from_slice(b"X-Field: something\r\n");
    }
    for bad in
        [long, b"WARC/1.0\r\nContent-Length: x\r\n\r\n".to_vec(), b"WARC/1.0\r\n".to_vec(), noise(1, 300_000)]
    {
        let first = record("warcinfo", "", "", b"");
        let (found, error) = all(Container::Warc, &[first, bad, b"\r\n".to_vec(), records.concat()].concat());
        assert_eq!(error, None);
        check_crawl(&found[found.len() - records.len()..], &picture);
        assert!(found[1].end.as_ref().unwrap().contains("are no record"));
    }
}

#[test]
fn segments_are_elsewhere() {
    let bytes = [
        record("response", "http://a/", "WARC-Segment-Number: 1\r\n", b"HTTP/1.1 200\r\n\r\nabc"),
        record("continuation", "http://a/", "WARC-Segment-Number: 2\r\n", b"def"),
    ];
    let found = whole(Container::Warc, &bytes.concat());
    assert_eq!(found.len(), 2);
    assert!(found.iter().all(|got| got.end.as_ref().unwrap().starts_with("Elsewhere")));
}

#[test]
fn arc_addresses_and_types_may_have_spaces() {
    let block = b"HTTP/1.0 200 OK\r\n\r\nbody\n";
    let mut bytes = b"filedesc://x.arc 0.0.0.0 20140216050221 text/plain 75\n\
        1 0 LiveWeb Capture\nURL IP-address Archive-date Content-type Archive-length\n\n"
        .to_vec();
    for line in [
        "http://a/1 192.0.2.1 20140216050221 text/html 23",
        "http://a/a b c 192.0.2.1 20140216050221 text/html; charset=x 23",
        "http://a/3 2001:db8::1 20140216050221 text/html 200 AAAA - 77 f.arc.gz 23",
    ] {
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(block);
    }
    let found = whole(Container::Arc, &bytes);
    let names: Vec<_> = found.iter().map(|got| &got.name[..]).collect();
    assert_eq!(names, ["warcinfo filedesc://x.arc", "http://a/1", "http://a/a b c", "http://a/3"]);
    assert!(found[1..].iter().all(|got| got.bytes == b"body" && got.end.is_none()));
    assert_eq!(found[3].capture.as_ref().unwrap().ip, "2001:db8::1");
}

#[test]
fn gzip_of_other_things_is_no_crawl() {
    for (bytes, expected) in [
        (gzip(b"a text"), Some(Container::Gzip)),
        (gzip(b""), Some(Container::Gzip)),
        (gzip(b"WARC/1.0\r\nWARC-Type: x"), Some(Container::Warc)),
        (gzip(b"filedesc://x 0.0.0.0"), Some(Container::Arc)),
        (b"WARC/1.0\r\n".to_vec(), Some(Container::Warc)),
        (b"WARC/2.0\r\n".to_vec(), None),
        (b"WARC".to_vec(), None),
    ] {
        assert_eq!(Container::sniff(&bytes), expected);
    }
}

#[test]
fn many_small_records_cost_what_their_bytes_cost() {
    let one = response("http://a/picture.jpg", "Content-Type: image/jpeg\r\n", &noise(9, 3000));
    let bytes = one.repeat(3000);
    for bytes in [bytes, gzip(&one).repeat(3000)] {
        let meter = Meter::new(Limits::default(), bytes.len() as u64);
        let start = std::time::Instant::now();
        let (mut count, mut sum) = (0, 0);
        members(Container::Warc, Input::Stream(&mut &bytes[..]), &meter, &mut |member| {
            let Content::Bytes(stream, _) = member.content else { panic!() };
            sum += std::io::copy(stream, &mut std::io::sink()).unwrap();
            count += 1;
            ControlFlow::Continue(())
        })
        .unwrap();
        println!("{} bytes in {:?}", bytes.len(), start.elapsed());
        assert_eq!((count, sum), (3000, 9_000_000));
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha1:{}", data_encoding::BASE32.encode(&Sha1::digest(bytes)))
}

/// Members, those of them that have the digest which the crawler noted, and those that do not: their digest is of the
/// body as it came over the wire, compressed or in chunks, or of a payload that the test's author made up.
#[test]
fn crawls_of_strangers_are_read_whole() {
    let Some(corpus) = corpus("29 crawls of other projects") else { return };
    for (path, members, verified, others) in CRAWLS {
        let bytes = std::fs::read(corpus.join("containers").join(path)).unwrap();
        let container = Container::sniff(&bytes);
        let (found, error) = all(container.unwrap_or_else(|| panic!("{path}")), &bytes);
        let is_payload = |got: &&Got| {
            got.capture.as_ref().is_some_and(|capture| {
                capture.payload_digest.starts_with("sha1:") && capture.target_uri == got.name
            }) && !got.end.as_ref().is_some_and(|end| end.starts_with("Elsewhere"))
        };
        let is_same = |got: &&Got| {
            got.capture.as_ref().is_some_and(|capture| capture.payload_digest == digest(&got.bytes))
        };
        let (same, other): (Vec<_>, Vec<_>) = found.iter().filter(is_payload).partition(is_same);
        assert_eq!((found.len(), same.len(), other.len()), (*members, *verified, *others), "{path}");
        assert_eq!(all_by(container.unwrap(), &bytes, 1), (found, error), "{path}");
    }
}

const CRAWLS: &[(&str, usize, usize, usize)] = &[
    ("commoncrawl-whirlwind/whirlwind.warc", 4, 1, 0),
    ("commoncrawl-whirlwind/whirlwind.warc.gz", 4, 1, 0),
    ("commoncrawl-whirlwind/whirlwind.warc.wat", 2, 0, 0),
    ("commoncrawl-whirlwind/whirlwind.warc.wat.gz", 2, 0, 0),
    ("commoncrawl-whirlwind/whirlwind.warc.wet", 2, 0, 0),
    ("commoncrawl-whirlwind/whirlwind.warc.wet.gz", 2, 1, 0),
    ("jwarc/test-resources/org/netpreserve/jwarc/cc.warc.gz", 1, 1, 0),
    ("jwarc/test-resources/org/netpreserve/jwarc/gzip_extra_sl.warc.gz", 1, 0, 0),
    ("warcio/test/data/bad.arc", 3, 0, 0),
    ("warcio/test/data/example-bad-non-chunked.warc.gz", 6, 0, 1),
    ("warcio/test/data/example-bad.warc.gz.bad", 6, 2, 0),
    ("warcio/test/data/example-digest.warc", 4, 0, 0),
    ("warcio/test/data/example-iana.org-chunked.warc", 3, 0, 1),
    ("warcio/test/data/example-resource.warc.gz", 3, 1, 0),
    ("warcio/test/data/example-space-in-target-uri.warc.gz", 2, 0, 0),
    ("warcio/test/data/example-space-in-url.arc", 2, 0, 0),
    ("warcio/test/data/example-trunc.warc", 5, 0, 1),
    ("warcio/test/data/example-wget-bad-target-uri.warc.gz", 6, 1, 0),
    ("warcio/test/data/example-wrong-chunks.warc.gz", 2, 1, 0),
    ("warcio/test/data/example.arc", 2, 0, 0),
    ("warcio/test/data/example.arc.gz", 2, 0, 0),
    ("warcio/test/data/example.warc", 6, 0, 1),
    ("warcio/test/data/example.warc.gz", 6, 0, 1),
    ("warcio/test/data/post-test.warc.gz", 9, 3, 0),
    (
        "webarchive-commons/src/test/resources/org/archive/format/arc/IAH-20080430204825-00000-blackbook-truncated.arc",
        9,
        0,
        0,
    ),
    ("webarchive-commons/src/test/resources/org/archive/format/gzip/IAH-urls-wget.warc.gz", 36, 11, 5),
    ("webarchive-commons/src/test/resources/org/archive/format/warc/IAH-urls-wget.warc", 36, 11, 5),
    ("webarchive-commons/src/test/resources/org/archive/format/warc/mutliple-headers.warc", 1, 0, 1),
    ("webarchive-commons/src/test/resources/org/archive/resource/html/link-extraction-test.warc", 8, 0, 0),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn spoiled_crawls_end(
        cut in 0usize..70_000,
        spoiled in prop::collection::vec((0usize..70_000, 1u8..), 0..6),
        is_packed: bool,
    ) {
        let (records, _) = crawl();
        let bytes: Vec<u8> = if is_packed {
            records.iter().flat_map(|record| gzip(record)).collect()
        } else {
            records.concat()
        };
        is_sturdy(Container::Warc, &bytes, cut, &spoiled);
        is_sturdy(Container::Arc, &bytes, cut, &spoiled);
    }
}
