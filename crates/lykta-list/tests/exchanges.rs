//! What the interfaces of exchanges answer: ThreatExchange, StopNCII, NCMEC.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod damage;

use std::sync::Arc;

use damage::{MARKS, assert_accounted, assert_bounded, assert_cut_is_told, damage, read, whole};
use lykta_hash::{Hash, Kind, PhotoDna};
use lykta_list::{Deletion, Entry, Error, Format, Label, Position, Reason, Row};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
const OTHER: &str = "92eb5ffee6ae2fec3ad71c777531578f";
const PDQ: &str = "d8f8f0cce0f4a84f06370a22028f67f0b36e2ed596623e1d33e6b39c4e9c9b22";
const SECOND: i64 = 1_000_000;

/// One record of any exchange, and how it is written.
#[derive(Clone, Debug)]
struct Update {
    id: u16,
    hash: [u8; 16],
    is_pdq: bool,
    deleted: bool,
    time: Option<u32>,
    /// Statuses or classes.
    codes: Vec<&'static str>,
    photodna: Option<u8>,
    upper: bool,
    as_text: bool,
    turn: usize,
}

fn update() -> impl Strategy<Value = Update> {
    let codes = vec(prop::sample::select(vec!["MALICIOUS", "NON_MALICIOUS", "UNKNOWN"]), 1..4);
    let flags = (any::<[bool; 4]>(), of(any::<u8>()), 0usize..6);
    (any::<u16>(), any::<[u8; 16]>(), of(any::<u32>()), codes, flags).prop_map(
        |(id, hash, time, codes, ([is_pdq, deleted, upper, as_text], photodna, turn))| Update {
            id,
            hash,
            is_pdq,
            deleted,
            time,
            codes,
            photodna,
            upper,
            as_text,
            turn,
        },
    )
}

impl Update {
    fn digits(&self) -> String {
        let digits = lykta_hash::text::to_hex(&self.hash);
        if self.is_pdq { format!("{digits}{}", digits.chars().rev().collect::<String>()) } else { digits }
    }

    fn written(&self) -> String {
        if self.upper { self.digits().to_uppercase() } else { self.digits() }
    }

    fn hash(&self) -> Hash {
        let kind = if self.is_pdq { Kind::Pdq } else { Kind::Md5 };
        Hash::from_hex(kind, self.digits().as_bytes()).unwrap()
    }

    fn number(&self, number: impl ToString) -> String {
        let number = number.to_string();
        if self.as_text { format!("\"{number}\"") } else { number }
    }

    fn object(&self, mut fields: Vec<String>) -> String {
        let turn = self.turn % fields.len();
        fields.rotate_left(turn);
        format!("{{{}}}", fields.join(", "))
    }

    fn changed(&self) -> Option<i64> {
        self.time.map(|time| i64::from(time) * SECOND)
    }

    fn threat_exchange(&self) -> String {
        let kind = if self.is_pdq { "HASH_PDQ" } else { "HASH_MD5" };
        let descriptors: Vec<_> = self
            .codes
            .iter()
            .map(|code| {
                format!("{{\"owner\":{{\"id\":\"1\"}},\"status\":\"{code}\",\"tags\":null,\"data\":[]}}")
            })
            .collect();
        let mut fields = vec![
            format!("\"id\":{}", self.number(self.id)),
            format!("\"indicator\":\"{}\"", self.written()),
            format!("\"type\":\"{kind}\""),
        ];
        fields.extend(self.time.map(|time| format!("\"last_updated\":{}", self.number(time))));
        match (self.deleted, self.upper) {
            (true, true) => {}
            (true, false) => fields.push(format!("\"should_delete\":{}", self.number(true))),
            (false, _) => fields.push(format!("\"should_delete\":{}", self.number(false))),
        }
        if !self.deleted {
            fields.push(format!("\"descriptors\":{{\"data\":[{}]}}", descriptors.join(",")));
        }
        self.object(fields)
    }

    fn stopncii(&self) -> String {
        let status = match (self.deleted, self.upper) {
            (true, true) => "Withdrawn",
            (true, false) => "Deleted",
            (false, true) => "Received",
            (false, false) => "Active",
        };
        let kind = if self.is_pdq { "ImagePDQ" } else { "VideoMD5" };
        let mut fields = vec![
            format!("\"signalType\":\"{kind}\""),
            format!("\"hashValue\":\"{}\"", self.written()),
            format!("\"hashStatus\":\"{status}\""),
            "\"caseNumbers\":{\"a\":\"Active\"},\"CSPFeedbacks\":[{\"tags\":[]}]".to_owned(),
        ];
        fields.extend(self.time.map(|time| format!("\"lastModtimestamp\":{}", self.number(time))));
        self.object(fields)
    }

    fn ncmec(&self) -> String {
        let list = if self.is_pdq { "Image" } else { "Video" };
        let name = if self.deleted { format!("deleted{list}") } else { list.to_lowercase() };
        let id = if self.as_text { format!("<![CDATA[{}]]>", self.id) } else { format!("&#x31;{}", self.id) };
        let mut fields = vec![
            "<member id=\"42\">Example &amp; Member</member>".to_owned(),
            format!("<id>{id}</id>"),
            "<feedback><negativeFeedback type=\"Sha1\"><id>9</id></negativeFeedback></feedback>".to_owned(),
        ];
        let time = self.time.map(|time| jiff::Timestamp::from_second(time.into()).unwrap());
        fields.extend(time.map(|time| format!("<timestamp>{time}</timestamp>")));
        if !self.deleted {
            let kind = if self.is_pdq { "pdq" } else { "md5" };
            let photodna = self.photodna.map(|seed| format!("<pdna> {}\n</pdna>", photodna(seed)));
            let hash = format!("<{kind}>{}</{kind}>", self.written());
            fields.push(format!("<fingerprints>\n{hash}{}</fingerprints>", photodna.unwrap_or_default()));
            fields.extend((!self.upper).then(|| "<classification>A1</classification>".to_owned()));
        }
        let turn = self.turn % fields.len();
        fields.rotate_left(turn);
        format!("<{name}>\n{}</{name}>", fields.join("\n "))
    }
}

fn photodna(seed: u8) -> PhotoDna {
    PhotoDna::from([seed; 144])
}

/// The text of a list of records and where each begins.
fn list(start: &str, records: &[String], between: &str, end: &str) -> (String, Vec<u64>) {
    let (mut text, mut offsets) = (start.to_owned(), Vec::new());
    for (at, record) in records.iter().enumerate() {
        text += if at > 0 { between } else { "" };
        offsets.push(text.len() as u64);
        text += record;
    }
    (text + end, offsets)
}

fn threat_exchange(updates: &[Update], shape: usize) -> (String, Vec<u64>) {
    let records: Vec<_> = updates.iter().map(Update::threat_exchange).collect();
    let paging = "\n ], \"paging\": {\"cursors\": {\"after\": \"x\"}, \"data\": 1}}\n";
    match shape {
        0 => list("{\"data\": [", &records, ",\n", paging),
        1 => list("\u{feff}[", &records, " , ", "]"),
        2 => list("", &records, "\n", "\n"),
        _ => list("[{\"paging\":{},\"data\":[", &records, "]},{\"data\":[", "]}]"),
    }
}

fn stopncii(updates: &[Update]) -> (String, Vec<u64>) {
    let records: Vec<_> = updates.iter().map(Update::stopncii).collect();
    let start = "{\"count\":1,\"nextPageToken\":\"[\",\"hashRecords\":[";
    list(start, &records, ",", "],\"hasMoreRecords\":true,\"nextSetTimestamp\":5}")
}

fn ncmec(updates: &[Update]) -> (String, Vec<u64>) {
    let records: Vec<_> = updates.iter().map(Update::ncmec).collect();
    let start = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n\
        <queryResult xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\">\n<images count=\"2\">";
    let end = "</images><paging><next>/v2/entries?a&amp;b</next></paging></queryResult>\n";
    list(
        start,
        &records,
        "<!-- a -->\n</images>\n<videos>",
        &end.replace("images", if updates.len() > 1 { "videos" } else { "images" }),
    )
}

fn ncmec_pair(updates: &[Update]) -> (String, Vec<u64>) {
    ncmec(&updates[..updates.len().min(2)])
}

fn expected(update: &Update, row: u64, offset: u64, format: Format) -> Row {
    let position = Position::Byte(offset);
    let list = if update.is_pdq { "image" } else { "video" };
    let id = if update.as_text { update.id.to_string() } else { format!("1{}", update.id) };
    let signal = if update.is_pdq { "ImagePDQ" } else { "VideoMD5" };
    let mut codes = update.codes.clone();
    codes.sort_unstable();
    codes.dedup();
    let (key, name, code, scheme) = match format {
        Format::ThreatExchange => {
            (update.id.to_string(), Some(update.id.to_string()), codes.join(","), "threatexchange")
        }
        Format::StopNcii => {
            let code = if update.upper { "Received" } else { "Active" };
            (format!("{signal}:{}", update.digits()), None, code.to_owned(), "stopncii")
        }
        _ => {
            let code = if update.upper { "" } else { "A1" };
            (format!("{list}/42/{id}"), Some(format!("42/{id}")), code.to_owned(), "ncmec")
        }
    };
    if update.deleted {
        return Row::Deleted(Deletion { row, position, key, changed: update.changed() });
    }
    Row::Accepted(Entry {
        row,
        position,
        name,
        key: Some(key),
        changed: update.changed(),
        hashes: vec![update.hash()],
        photodna: update.photodna.filter(|_| format == Format::Ncmec).map(photodna),
        label: Some(Arc::new(Label { scheme: scheme.into(), code, ..Label::default() })),
        categorised: format != Format::StopNcii,
        ..Entry::default()
    })
}

fn assert_read((text, offsets): (String, Vec<u64>), updates: &[Update], format: Format) {
    let rows = whole(&text, format);
    let all = updates.iter().zip(&offsets).zip(1..);
    let expected: Vec<_> =
        all.map(|((update, offset), row)| expected(update, row, *offset, format)).collect();
    assert_eq!(rows, expected, "{text}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn what_was_written_is_read(updates in vec(update(), 1..5), shape in 0usize..4) {
        assert_read(threat_exchange(&updates, shape), &updates, Format::ThreatExchange);
        assert_read(stopncii(&updates), &updates, Format::StopNcii);
        assert_read(ncmec_pair(&updates), &updates, Format::Ncmec);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_damaged_document_is_told_or_its_rows_are(
        updates in vec(update(), 1..3),
        shape in 0usize..4,
        damages in vec(damage(MARKS), 1..4),
    ) {
        let texts = [
            (threat_exchange(&updates, shape).0, Format::ThreatExchange),
            (stopncii(&updates).0, Format::StopNcii),
            (ncmec(&updates).0, Format::Ncmec),
        ];
        for (text, format) in texts {
            let mut text = text.into_bytes();
            damages.iter().for_each(|damage| damage.strike(&mut text));
            assert_accounted(&text, format);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_cut_is_told(updates in vec(update(), 0..2), bare in any::<bool>()) {
        assert_cut_is_told(threat_exchange(&updates, usize::from(bare)).0.as_bytes(), Format::ThreatExchange);
        assert_cut_is_told(stopncii(&updates).0.as_bytes(), Format::StopNcii);
        assert_cut_is_told(ncmec(&updates).0.as_bytes(), Format::Ncmec);
    }

    #[test]
    fn the_properties_of_every_list_hold(updates in vec(update(), 1..3), damages in vec(damage(MARKS), 0..3)) {
        for text in [threat_exchange(&updates, 0).0, stopncii(&updates).0, ncmec(&updates).0] {
            let mut text = text.into_bytes();
            damages.iter().for_each(|damage| damage.strike(&mut text));
            lykta_list::fuzz::list_csv(&text);
        }
    }
}

fn reasons(rows: &[Row]) -> Vec<Option<Reason>> {
    let reason = |row: &Row| match row {
        Row::Rejected(rejection) => Some(rejection.reason),
        _ => None,
    };
    rows.iter().map(reason).collect()
}

#[test]
fn threat_exchange_without_descriptors_deletes() {
    let record = |rest: &str| {
        format!("{{\"id\":\"5\",\"indicator\":\"{MD5}\",\"type\":\"HASH_MD5\",\"last_updated\":7{rest}}}")
    };
    for rest in ["", ",\"descriptors\":null", ",\"descriptors\":{}", ",\"descriptors\":{\"data\":[]}"] {
        let rows = whole(record(rest), Format::ThreatExchange);
        let [Row::Deleted(deletion)] = &rows[..] else { panic!("{rest}: {rows:?}") };
        assert_eq!((deletion.key.as_str(), deletion.changed), ("5", Some(7 * SECOND)));
    }
    for descriptor in ["{}", "{\"status\":\"\"}", "{\"status\":null}"] {
        let rest = format!(",\"descriptors\":{{\"data\":[{descriptor}]}}");
        let rows = whole(record(&rest), Format::ThreatExchange);
        let [Row::Accepted(entry)] = &rows[..] else { panic!("{rows:?}") };
        let label = Label { scheme: "threatexchange".into(), ..Label::default() };
        assert_eq!((entry.categorised, entry.label.as_deref()), (true, Some(&label)), "{descriptor}");
    }
    for rest in [",\"descriptors\":5", ",\"descriptors\":{\"data\":\"x\"}", ",\"should_delete\":2"] {
        assert_eq!(reasons(&whole(record(rest), Format::ThreatExchange)), [Some(Reason::BadType)], "{rest}");
    }
}

/// A status that cannot be read could be `NON_MALICIOUS`: the entry cannot be decided on.
#[test]
fn threat_exchange_with_a_status_that_cannot_be_read_is_rejected() {
    for status in [&b"4"[..], b"{}", b"\"MALICIOUS\xff\""] {
        let start = format!(
            "{{\"id\":1,\"indicator\":\"{PDQ}\",\"type\":\"HASH_PDQ\",\"descriptors\":{{\"data\":[\
             {{\"status\":\"MALICIOUS\"}},{{\"status\":"
        );
        let text = [start.as_bytes(), status, b"}]}}"].concat();
        assert_eq!(reasons(&whole(text, Format::ThreatExchange)), [Some(Reason::BadType)]);
    }
}

/// A classification that is not UTF-8 must not be taken for none.
#[test]
fn ncmec_that_is_not_utf8_is_refused() {
    let start = format!(
        "<queryResult xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><images><image><member id=\"4\"/>\
         <id>1</id><fingerprints><md5>{MD5}</md5></fingerprints><classification>A"
    );
    let end = b"</classification></image></images></queryResult>";
    let text = [start.as_bytes(), b"\xff", end].concat();
    let mut reader = lykta_list::Reader::new(&text[..], &lykta_list::ReadOptions::default()).unwrap();
    assert!(!matches!(reader.next(), Some(Ok(Row::Accepted(_)))));
}

#[test]
fn threat_exchange_types_that_are_not_matched_are_counted() {
    let record = |kind: &str, hash: &str| {
        format!(
            "{{\"id\":1,\"indicator\":\"{hash}\",\"type\":{kind},\"descriptors\":{{\"data\":[{{\"status\":\"MALICIOUS\"}}]}}}}"
        )
    };
    let text = [
        record("\"HASH_TMK\"", "x"),
        record("null", MD5),
        record("\"HASH_SHA256\"", PDQ),
        record("\"HASH_VIDEO_MD5\"", MD5),
        record("\"HASH_MD5\"", "d41d8cd98f00b204e9800998ecf8427e"),
        record("\"HASH_PDQ\"", &"0".repeat(64)),
        record("\"HASH_SHA1\"", MD5),
    ];
    let rows = whole(text.join("\n"), Format::ThreatExchange);
    let expected = [
        Some(Reason::UnsupportedKind),
        Some(Reason::MissingValue),
        None,
        None,
        Some(Reason::EmptyFileHash),
        Some(Reason::BlankPdq),
        Some(Reason::BadLength),
    ];
    assert_eq!(reasons(&rows), expected);
    assert_eq!(
        reasons(&read(&b"[{}, 5]"[..], Some(Format::ThreatExchange)).0),
        [Some(Reason::MissingValue), Some(Reason::BadType)]
    );
}

#[test]
fn rows_of_the_command_line_keep_their_opinions() {
    let text = format!(
        "{MD5},123,2020-07-01T18:31:15+0000,media_type_photo false_positive\r\n\
         {OTHER},124,mine,\"true_positive disputed\"\n{MD5},5\nab,1,mine,\n{PDQ},125,mine,\n"
    );
    let rows = whole(text, Format::ThreatExchange);
    let Row::Accepted(first) = &rows[0] else { panic!("{rows:?}") };
    assert_eq!((first.name.as_deref(), first.position), (Some("123"), Position::Line(1)));
    assert_eq!(first.label.as_ref().unwrap().code, "false_positive");
    let Row::Accepted(second) = &rows[1] else { panic!("{rows:?}") };
    assert_eq!(second.hashes[0].kind(), Kind::Md5);
    assert_eq!(
        (second.label.as_ref().unwrap().code.as_str(), second.categorised),
        ("disputed,true_positive", true)
    );
    assert_eq!(
        reasons(&rows[2..]),
        [Some(Reason::WrongColumns), Some(Reason::UnsupportedKind), Some(Reason::BadType)]
    );
}

#[test]
fn local_files_name_their_signals() {
    let text = format!("pdq {PDQ}\n\nvideo_md5  {}\r\nraw_text a b\npdq\npdq 00\n", MD5.to_uppercase());
    let rows = whole(text, Format::ThreatExchange);
    let Row::Accepted(second) = &rows[1] else { panic!("{rows:?}") };
    assert_eq!((second.position, second.hashes[0].kind()), (Position::Line(3), Kind::Md5));
    let expected =
        [None, None, Some(Reason::UnsupportedKind), Some(Reason::MissingValue), Some(Reason::BadLength)];
    assert_eq!(reasons(&rows), expected);
}

#[test]
fn stopncii_states_that_nobody_published_are_not_guessed() {
    let record = |kind: &str, status: &str| {
        format!(
            "{{\"signalType\":\"{kind}\",\"hashValue\":\"{MD5}\",\"hashStatus\":{status},\"lastModtimestamp\":1}}"
        )
    };
    let text = [
        record("VideoMD5", "\"Unknown\""),
        record("VideoMD5", "null"),
        record("VideoMD5", "\"Removed\""),
        record("VideoMD5", "3"),
        record("VideoTMK", "\"Active\""),
        record("URL", "\"Deleted\""),
        "{\"signalType\":\"URL\",\"hashValue\":null}".to_owned(),
    ];
    let rows = whole(format!("{{\"hashRecords\":[{}]}}", text.join(",")), Format::StopNcii);
    let (kind, status) = (Some(Reason::UnsupportedKind), Some(Reason::BadType));
    assert_eq!(reasons(&rows), [None, None, status, status, kind, None, Some(Reason::MissingValue)]);
    assert!(matches!(&rows[5], Row::Deleted(deletion) if deletion.key == format!("URL:{MD5}")));
}

fn answer(entries: &str) -> String {
    format!(
        "<queryResult xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\"><images>{entries}</images></queryResult>"
    )
}

#[test]
fn ncmec_fingerprints_that_are_not_matched_are_dropped() {
    let text = answer(&format!(
        "<image><member id=\"1\"/><id>a/b</id><fingerprints><sha1/><md5>{MD5}</md5><netclean>x</netclean>\
         <md5>92eb5ffee6ae2fec3ad71c777531578f</md5><pdna>a1a1...</pdna><pdq>{PDQ}</pdq>\
         <tmk-pdqf rel=\"self\" href=\"/v2\"/><sha1>a<b/>c</sha1></fingerprints></image>"
    ));
    let rows = whole(text, Format::Ncmec);
    let [Row::Accepted(entry)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(entry.key.as_deref(), Some("image/1/a/b"));
    assert_eq!(entry.hashes.iter().map(Hash::kind).collect::<Vec<_>>(), [Kind::Md5, Kind::Pdq]);
    let dropped: Vec<_> = entry.dropped.iter().map(|p| (p.column.unwrap(), p.reason())).collect();
    assert_eq!(
        dropped,
        [
            ("fingerprints", Reason::UnsupportedKind),
            ("md5", Reason::BadType),
            ("pdna", Reason::BadLength),
            ("fingerprints", Reason::UnsupportedKind),
            ("sha1", Reason::BadType),
        ]
    );
}

#[test]
fn ncmec_entries_that_cannot_be_known_again_are_rejected() {
    let hash = format!("<fingerprints><md5>{MD5}</md5></fingerprints>");
    let member = "<member id=\"1\"/>";
    let text = answer(&format!(
        "<image/><image>{member}{hash}</image><image><id>a</id>{hash}</image><audio>{member}<id>a</id>{hash}</audio>\
         <image><member id=\"1/2\"/><id>a</id>{hash}</image><image>{member}<id>a</id><id>b</id>{hash}</image>\
         <deletedImage>{member}<id>a</id><timestamp>today</timestamp></deletedImage>\
         <image>{member}<id>a</id><timestamp>today</timestamp>{hash}</image><image>{member}<id>a</id></image>"
    ));
    let rows = whole(text, Format::Ncmec);
    let (missing, bad) = (Some(Reason::MissingValue), Some(Reason::BadType));
    assert_eq!(reasons(&rows), [missing, missing, missing, bad, bad, bad, bad, None, Some(Reason::NoHash)]);
    assert!(
        matches!(&rows[7], Row::Accepted(e) if e.changed.is_none() && e.dropped[0].reason() == Reason::BadType)
    );
}

#[test]
fn ncmec_documents_that_cannot_be_relied_on_are_refused() {
    let page = answer("");
    for text in [
        format!("{page}{page}"),
        format!("{page}<?xml version=\"1.0\"?>{page}"),
        format!("{page} x"),
        format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{page}"),
        format!("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>{page}"),
        answer("text"),
        answer("<image><id>&b;</id></image>"),
        answer("<image><id></image></id>"),
        answer(&"<a>".repeat(40)),
        "<status><username/></status>".to_owned(),
    ] {
        let (rows, ending) = read(text.as_bytes(), Some(Format::Ncmec));
        assert!(rows.is_empty() && matches!(ending, Some(Error::Malformed { .. })), "{text}: {ending:?}");
    }
    let (_, ending) = read(&b" \n"[..], Some(Format::Ncmec));
    assert!(matches!(ending, Some(Error::Empty)), "{ending:?}");
}

#[test]
fn ncmec_prefixes_and_a_byte_order_mark_do_not_count() {
    let text = format!(
        "\u{feff}<n:queryResult xmlns:n=\"https://hashsharing.ncmec.org/hashsharing/v2\"><n:videos><n:video>\
         <n:member id=\"1\"/><n:id>a</n:id><n:fingerprints><n:md5>{MD5}</n:md5></n:fingerprints></n:video>\
         </n:videos></n:queryResult>"
    );
    let rows = whole(&text, Format::Ncmec);
    let [Row::Accepted(entry)] = &rows[..] else { panic!("{rows:?}") };
    assert_eq!(entry.position, Position::Byte(text.find("<n:video>").unwrap() as u64));
    assert_eq!(entry.key.as_deref(), Some("video/1/a"));
}

#[test]
fn a_record_without_end_takes_bounded_memory() {
    assert_bounded("{\"data\":[{\"id\":\"", "1", Format::ThreatExchange, 40 << 20);
    assert_bounded("{\"hashRecords\":[{\"hashValue\":[", "[],", Format::StopNcii, 40 << 20);
    let start = "<queryResult><images>";
    for (within, piece) in [
        ("<image><id>", "a"),
        ("<image>", "<id/>"),
        ("<image><fingerprints>", "<md5>a</md5>"),
        ("<image a=\"", "a"),
        ("<!--", " a"),
        ("", "<a>"),
        ("<image><feedback>", "<b/>"),
    ] {
        assert_bounded(&format!("{start}{within}"), piece, Format::Ncmec, 4 << 20);
    }
}
