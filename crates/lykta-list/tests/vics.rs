//! Project VIC's JSON, as written by many tools.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod damage;

use std::io::{self, Read};
use std::sync::Arc;

use damage::{MARKS, damage, read, whole};
use lykta_hash::{Hash, Kind, PhotoDna};
use lykta_list::{Cause, Entry, Error, Format, Label, Position, ReadOptions, Reader, Reason, Row};
use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;

const MD5: &str = "0CC175B9C0F1B6A831C399E269772661";
const SHA1: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";
const OTHER: &str = "92eb5ffee6ae2fec3ad71c777531578f";
const EMPTY_MD5: &str = "D41D8CD98F00B204E9800998ECF8427E";
const CONTEXT: &str = "http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata";

/// A medium as a tool would have it, and how it writes it.
#[derive(Clone, Debug)]
struct Medium {
    id: Option<u32>,
    md5: [u8; 16],
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    photodna: Option<u8>,
    size: Option<u64>,
    category: Option<u8>,
    series: Option<String>,
    victim_identified: Option<bool>,
    files: usize,
    style: Style,
}

#[derive(Clone, Debug)]
struct Style {
    upper: bool,
    numbers_as_text: bool,
    nulls: bool,
    photodna_aside: bool,
    value_first: bool,
    nested_files: bool,
    escapes: bool,
    turn: usize,
}

fn style() -> impl Strategy<Value = Style> {
    (any::<[bool; 7]>(), 0usize..20).prop_map(|(flags, turn)| {
        let [upper, numbers_as_text, nulls, photodna_aside, value_first, nested_files, escapes] = flags;
        Style { upper, numbers_as_text, nulls, photodna_aside, value_first, nested_files, escapes, turn }
    })
}

fn medium() -> impl Strategy<Value = Medium> {
    let hashes = (any::<[u8; 16]>(), of(any::<[u8; 20]>()), of(any::<[u8; 32]>()), of(any::<u8>()));
    let words = (of(0u8..6), of("[a-z\"\\\\/\u{e9}\u{1f600},\\]\\}{]{1,8}"), of(any::<bool>()), 0usize..3);
    (of(any::<u32>()), hashes, of(any::<u64>()), words, style()).prop_map(
        |(id, hashes, size, words, style)| {
            let (md5, sha1, sha256, photodna) = hashes;
            let (category, series, victim_identified, files) = words;
            Medium {
                id,
                md5,
                sha1,
                sha256,
                photodna,
                size,
                category,
                series,
                victim_identified,
                files,
                style,
            }
        },
    )
}

fn photodna(seed: u8) -> PhotoDna {
    PhotoDna::from(std::array::from_fn::<u8, 144, _>(|at| (at as u8).wrapping_mul(seed)))
}

impl Medium {
    fn text(&self) -> String {
        let Style { upper, numbers_as_text, nulls, value_first, nested_files, .. } = self.style;
        let hex = |bytes: &[u8]| {
            let digits = lykta_hash::text::to_hex(bytes);
            if upper { digits.to_uppercase() } else { digits }
        };
        let quoted = |text: &str| {
            let plain = serde_json::to_string(text).unwrap();
            match self.style.escapes {
                true => plain
                    .replace('/', "\\/")
                    .replace('\u{e9}', "\\u00E9")
                    .replace('\u{1f600}', "\\ud83d\\uDE00"),
                false => plain,
            }
        };
        let number = |number: u64| if numbers_as_text { format!("\"{number}\"") } else { number.to_string() };
        let mut fields = vec![("MD5", Some(quoted(&hex(&self.md5))))];
        fields.push(("MediaID", self.id.map(|id| number(id.into()))));
        fields.push(("SHA1", self.sha1.map(|hash| quoted(&hex(&hash)))));
        fields.push(("MediaSize", self.size.map(number)));
        fields.push(("Category", self.category.map(|code| number(code.into()))));
        fields.push(("Series", self.series.as_deref().map(quoted)));
        let flag = |flag: bool| if numbers_as_text { format!("\"{flag}\"") } else { flag.to_string() };
        fields.push(("VictimIdentified", self.victim_identified.map(flag)));
        fields.push(("Tags", Some("\"a,}]{[\\\"\"".to_owned())));
        fields
            .push(("Exifs", Some("[{\"PropertyName\":\"MD5\",\"PropertyValue\":[1.5e3,null]}]".to_owned())));
        let named = |name: &str, value: String| match value_first {
            true => format!("{{\"HashValue\":{value},\"HashName\":\"{name}\"}}"),
            false => format!("{{\"HashName\":\"{name}\", \"HashValue\":{value}}}"),
        };
        let mut aside = Vec::new();
        let photodna = self.photodna.map(|seed| quoted(&photodna(seed).to_string()));
        match self.style.photodna_aside {
            true => aside.extend(photodna.map(|text| named("PhotoDNA", text))),
            false => fields.push(("PhotoDNA", photodna)),
        }
        aside.extend(self.sha256.map(|hash| named("SHA256", quoted(&hex(&hash)))));
        fields.push(("AlternativeHashes", (!aside.is_empty()).then(|| format!("[{}]", aside.join(" ,")))));
        let file = format!("{{\"FileName\":\"a.jpg\",\"MD5\":{}}}", quoted(&hex(&self.md5)));
        let files = vec![file; self.files].join(",");
        let files = if nested_files { format!("[[{files}]]") } else { format!("[{files}]") };
        fields.push(("MediaFiles", (self.files > 0).then_some(files)));
        let turn = self.style.turn % fields.len();
        fields.rotate_left(turn);
        let fields: Vec<_> = fields
            .into_iter()
            .filter_map(|(key, value)| Some((key, value.or(nulls.then(|| "null".to_owned()))?)))
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", fields.join(","))
    }

    fn entry(&self, row: u64, offset: usize, version: &str) -> Entry {
        let mut hashes =
            vec![Hash::from_hex(Kind::Md5, lykta_hash::text::to_hex(&self.md5).as_bytes()).unwrap()];
        let mut add = |kind, bytes: &[u8]| {
            hashes.push(Hash::from_hex(kind, lykta_hash::text::to_hex(bytes).as_bytes()).unwrap());
        };
        if let Some(hash) = self.sha1 {
            add(Kind::Sha1, &hash);
        }
        if let Some(hash) = self.sha256 {
            add(Kind::Sha256, &hash);
        }
        let file = (self.files > 0).then(|| "a.jpg".to_owned());
        Entry {
            row,
            position: Position::Byte(offset as u64),
            name: self.id.map(|id| id.to_string()).or(file),
            hashes,
            photodna: self.photodna.map(photodna),
            size: self.size,
            label: Some(Arc::new(Label {
                scheme: "projectvic".into(),
                version: version.into(),
                code: self.category.map(|code| code.to_string()).unwrap_or_default(),
                series: self.series.clone().unwrap_or_default(),
                victim_identified: self.victim_identified.map(|flag| flag.to_string()).unwrap_or_default(),
            })),
            categorised: true,
            ..Entry::default()
        }
    }
}

/// A document: its text, and where its media begin.
fn document(media: &[Medium], cases: Option<usize>, bom: bool, space: &str) -> (String, Vec<usize>) {
    let mut text = if bom { "\u{feff}".to_owned() } else { String::new() };
    let mut offsets = Vec::new();
    let fragment = if cases.is_some() { "#Cases" } else { "#Media" };
    text += &format!("{space}{{\"@odata.context\":\"{CONTEXT}{fragment}\",{space}\"value\":{space}[{space}");
    let mut list = |text: &mut String, media: &[Medium]| {
        for (at, medium) in media.iter().enumerate() {
            *text += if at > 0 { space } else { "" };
            *text += if at > 0 { "," } else { "" };
            *text += space;
            offsets.push(text.len());
            *text += &medium.text();
        }
    };
    match cases {
        None => list(&mut text, media),
        Some(size) => {
            for (at, chunk) in media.chunks(size).enumerate() {
                let before = if at % 2 == 0 { "\"CaseID\":\"{1}\",\"X\":[{\"MD5\":[]}]," } else { "" };
                let behind = if at % 2 == 0 { "" } else { ",\"TotalMediaFiles\":\"7\"" };
                text += if at > 0 { "," } else { "" };
                text += &format!("{{{before}\"Media\":{space}[");
                list(&mut text, chunk);
                text += &format!("{space}]{behind}}}");
            }
        }
    }
    text += &format!("{space}]{space},\"@odata.count\":{}}}{space}", media.len());
    (text, offsets)
}

fn one(fields: &str) -> Row {
    let text = format!("{{\"@odata.context\":\"{CONTEXT}#Media\",\"value\":[{{{fields}}}]}}");
    let mut rows = whole(text, Format::Vics);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn entry(fields: &str) -> Entry {
    match one(fields) {
        Row::Accepted(entry) => entry,
        other => panic!("{other:?}"),
    }
}

fn label(entry: &Entry) -> &Label {
    entry.label.as_ref().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_was_written_is_read(
        media in vec(medium(), 0..6),
        cases in of(1usize..4),
        bom in any::<bool>(),
        space in "[ \n\r\t]{0,2}",
    ) {
        let (text, offsets) = document(&media, cases, bom, &space);
        let rows = whole(&text, Format::Vics);
        prop_assert_eq!(rows.len(), media.len());
        for (at, (row, medium)) in rows.into_iter().zip(&media).enumerate() {
            let expected = medium.entry(at as u64 + 1, offsets[at], "US");
            prop_assert_eq!(row, Row::Accepted(expected), "{}", text);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn a_damaged_document_is_told_or_its_rows_are(
        media in vec(medium(), 1..4),
        cases in of(1usize..4),
        damages in vec(damage(MARKS), 1..4),
    ) {
        let mut text = document(&media, cases, false, "").0.into_bytes();
        damages.iter().for_each(|damage| damage.strike(&mut text));
        damage::assert_accounted(&text, Format::Vics);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn every_cut_is_told(media in vec(medium(), 0..2), cases in of(1usize..3), bom in any::<bool>()) {
        let (text, _) = document(&media, cases, bom, " ");
        damage::assert_cut_is_told(text.as_bytes(), Format::Vics);
    }

    #[test]
    fn the_properties_of_every_list_hold(media in vec(medium(), 0..3), damages in vec(damage(MARKS), 0..3)) {
        let mut text = document(&media, None, false, "").0.into_bytes();
        damages.iter().for_each(|damage| damage.strike(&mut text));
        lykta_list::fuzz::list_csv(&text);
    }
}

#[test]
fn version_and_region_are_those_of_the_context_wherever_it_stands() {
    let version = |text: &str| {
        let mut reader = Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(reader.format(), Format::Vics);
        let Some(Ok(Row::Accepted(entry))) = reader.next() else { panic!("{text}") };
        assert!(reader.next().is_none());
        (reader.version(), label(&entry).version.clone())
    };
    let value = format!("\"value\":[{{\"MD5\":\"{MD5}\"}}]");
    let both = |name: &str, label: &str| (Some(name.to_owned()), label.to_owned());
    assert_eq!(version(&format!("{{\"@odata.context\":\"{CONTEXT}#Media\",{value}}}")), both("2.0/US", "US"));
    let old = "\"odata.metadata\":\"http://github.com/ICMEC/ProjectVic/DataModels/1.3.xml#Media\"";
    assert_eq!(version(&format!("{{{old},{value}}}")), both("1.3", "1.3"));
    // Behind the media it is too late for their labels: none, rather than a guess.
    assert_eq!(version(&format!("{{{value},{old}}}")), both("1.3", ""));
    assert_eq!(version(&format!("{{{value}}}")), (None, String::new()));
}

#[test]
fn a_missing_category_is_not_0() {
    for (written, code) in [
        ("0", "0"),
        ("\"0\"", "0"),
        ("\" 2 \"", "2"),
        ("null", ""),
        ("\"\"", ""),
        ("-1", "-1"),
        ("\"A\"", "A"),
    ] {
        let entry = entry(&format!("\"MD5\":\"{MD5}\",\"Category\":{written}"));
        assert_eq!((label(&entry).code.as_str(), entry.categorised), (code, true), "{written}");
        assert!(entry.dropped.is_empty());
    }
    let bad = entry(&format!("\"MD5\":\"{MD5}\",\"MediaSize\":-3,\"Series\":{{}}"));
    let dropped: Vec<_> = bad.dropped.iter().map(|p| (p.column.unwrap(), p.reason())).collect();
    assert_eq!(dropped, [("MediaSize", Reason::BadNumber), ("Series", Reason::BadType)]);
}

/// Taken for uncategorised, a file would be decided on as one that nobody has looked at.
#[test]
fn a_category_that_cannot_be_read_is_not_a_missing_one() {
    for number in ["1.0", "1.50", "1e0", "-0", "99999999999999999999"] {
        let entry = entry(&format!("\"MD5\":\"{MD5}\",\"Category\": {number} "));
        assert_eq!(label(&entry).code, number);
    }
    let categories: [&[u8]; 8] =
        [b"true", b"[1]", b"[]", b"{\"a\":1}", b"\"1\xff\"", b"\"\xe9\"", b"\"\\ud83d\"", b"\"1\\ude00\""];
    for category in categories {
        let start = format!(
            "{{\"value\":[{{\"MD5\":\"{MD5}\",\"MediaFiles\":[{{\"MD5\":\"{OTHER}\"}}],\"Category\":"
        );
        let rows = whole([start.as_bytes(), category, b"}]}"].concat(), Format::Vics);
        let [Row::Rejected(rejection)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((rejection.reason, rejection.problems[0].column), (Reason::BadType, Some("Category")));
    }
}

#[test]
fn alternative_hashes_are_used_where_they_can_be() {
    let sha256 = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
    let aside = format!(
        "{{\"HashValue\":\"{sha256}\",\"HashName\":\"SHA-256\"}},{{\"HashName\":\"EDK\",\"HashValue\":\"00\"}},\
         {{\"HashName\":\"PhotoDNA\",\"HashValue\":\"AAAA\"}},5"
    );
    let entry = entry(&format!("\"AlternativeHashes\":[{aside}],\"MD5\":\"{MD5}\",\"SHA1\":\"{SHA1}\""));
    let kinds: Vec<_> = entry.hashes.iter().map(Hash::kind).collect();
    assert_eq!(kinds, [Kind::Md5, Kind::Sha1, Kind::Sha256]);
    let reasons: Vec<_> = entry.dropped.iter().map(|problem| problem.reason()).collect();
    assert_eq!(reasons, [Reason::UnsupportedKind, Reason::BadLength, Reason::BadType]);

    let hex = "0123456789abcdef".repeat(18);
    let entry = self::entry(&format!("\"PhotoDNA\":\"{hex}\""));
    assert!(entry.hashes.is_empty() && entry.photodna.is_some(), "a PhotoDNA alone is kept");
}

/// Two files of one medium with different MD5: both must be found, and one entry holds one of each kind.
#[test]
fn hashes_that_do_not_fit_are_entries_of_their_own() {
    let files = format!("[{{\"MD5\":\"{OTHER}\"}},{{\"MD5\":\"{MD5}\"}},{{\"MD5\":\"{OTHER}\"}}]");
    let media =
        format!("{{\"MediaID\":7,\"MD5\":\"{MD5}\",\"Category\":2,\"MediaSize\":1,\"MediaFiles\":{files}}}");
    let text = format!("{{\"@odata.context\":\"{CONTEXT}#Media\",\"value\":[{media},{media}]}}");
    let rows = whole(text, Format::Vics);
    let entries: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Row::Accepted(e) => {
                (e.row, e.name.as_deref().unwrap(), e.hashes[0].to_string(), label(e).code.as_str(), e.size)
            }
            other => panic!("{other:?}"),
        })
        .collect();
    let (first, second) = (format!("md5:{}", MD5.to_lowercase()), format!("md5:{OTHER}"));
    let expected = [
        (1, "7", first.clone(), "2", Some(1)),
        (2, "7", second.clone(), "2", None),
        (3, "7", first, "2", Some(1)),
        (4, "7", second, "2", None),
    ];
    assert_eq!(entries, expected);
}

#[test]
fn the_hash_of_an_empty_file_is_never_used() {
    let empty = format!("\"MD5\":\"{EMPTY_MD5}\",\"SHA1\":\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"");
    assert!(
        matches!(one(&empty), Row::Rejected(r) if r.reason == Reason::EmptyFileHash && r.problems.len() == 2)
    );
    let entry = entry(&format!("\"MD5\":\"{EMPTY_MD5}\",\"MediaFiles\":[{{\"MD5\":\"{MD5}\"}}]"));
    assert_eq!(entry.hashes.len(), 1);
    assert_eq!(entry.dropped[0].cause, Cause::EmptyFileHash);
}

#[test]
fn what_is_no_medium_is_rejected_and_reading_goes_on() {
    let text = format!(
        "{{\"value\":[5,null,\"x\",[{{}}],{{}},{{\"MD5\":7}},{{\"MD5\":\"{MD5}\",\"MD5\":\"{OTHER}\"}},\
         {{\"md5\":\"{MD5}\"}},{{\"MD5\":\"{MD5}\"}}]}}"
    );
    let reasons: Vec<_> = whole(text, Format::Vics)
        .into_iter()
        .map(|row| match row {
            Row::Rejected(rejection) => Some(rejection.reason),
            _ => None,
        })
        .collect();
    let (bad, none) = (Some(Reason::BadType), Some(Reason::NoHash));
    assert_eq!(reasons, [bad, bad, bad, bad, none, bad, bad, none, None]);
}

/// Names are cut in the middle of a character by tools that count bytes: the hash beside one is still a hash.
#[test]
fn text_that_is_not_unicode_does_not_lose_the_hash() {
    for series in [&b"night \xe9"[..], b"night \\ud83d", b"\\ude00\xff"] {
        let start = format!("{{\"value\":[{{\"MediaID\":1,\"MD5\":\"{MD5}\",\"Series\":\"");
        let text = [start.as_bytes(), series, b"\"}]}"].concat();
        let rows = whole(&text, Format::Vics);
        let [Row::Accepted(entry)] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!((entry.name.as_deref(), label(entry).series.as_str()), (Some("1"), ""));
        assert_eq!(entry.dropped.len(), 1);
        assert_eq!(entry.dropped[0].reason(), Reason::NotUtf8);
    }
}

#[test]
fn a_document_that_cannot_be_relied_on_is_refused() {
    let refused = |text: &str| match read(text.as_bytes(), Some(Format::Vics)).1 {
        Some(Error::Malformed { position, .. }) => position.number(),
        other => panic!("{text}: {other:?}"),
    };
    let medium = format!("{{\"MD5\":\"{MD5}\"}}");
    assert_eq!(refused(&format!("{{\"value\":[{medium}]}} x")), 55);
    for text in [
        format!("{{\"value\":[{medium}]}}{{\"value\":[]}}"),
        format!("{{\"value\":[{medium} {medium}]}}"),
        format!("{{\"value\":[{medium},]}}"),
        format!("{{\"value\":[,{medium}]}}"),
        format!("{{,\"value\":[{medium}]}}"),
        format!("{{\"value\":[{medium}],}}"),
        format!("{{\"value\":[{medium}]\"a\":1}}"),
        format!("{{\"a\":1 \"value\":[{medium}]}}"),
        format!("{{\"value\":[{medium}],\"value\":[]}}"),
        format!("{{\"value\":[{medium}}}]"),
        format!("{{\"value\":[{{\"MD5\" \"{MD5}\"}}]}}"),
        format!("{{\"value\":[{{\"MD5\":\"{MD5}\",\"Media\":[]}}]}}"),
        format!("{{\"value\":[{{\"Media\":[],\"SHA1\":\"{SHA1}\"}}]}}"),
        format!("[{medium}]"),
        medium,
        "{\"value\":null}".into(),
        format!("{{\"value\":[{}]}}", "[".repeat(100)),
    ] {
        refused(&text);
    }
    assert!(matches!(read(&b" \n"[..], Some(Format::Vics)).1, Some(Error::Empty)));
}

#[test]
fn a_record_without_end_takes_bounded_memory() {
    let most = 40 << 20;
    damage::assert_bounded("{\"value\":[{\"MD5\":\"", "a", Format::Vics, most);
    damage::assert_bounded("{\"value\":[{\"x\":[", "{},", Format::Vics, most);
    damage::assert_bounded("{\"a\":[", "1,", Format::Vics, most);
    damage::assert_bounded("{\"value\":[", "[", Format::Vics, most);
}

/// Records at the end of what has been read so far are read another way than those that are there whole.
#[test]
fn rows_do_not_depend_on_how_a_long_list_arrives() {
    struct Pieces<'a>(&'a [u8], usize);
    impl Read for Pieces<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let taken = self.0.len().min(self.1).min(buffer.len());
            buffer[..taken].copy_from_slice(&self.0[..taken]);
            self.0 = &self.0[taken..];
            Ok(taken)
        }
    }
    let media: Vec<_> = (0..4000)
        .map(|id| {
            let files = if id % 3 == 0 { ",\"MediaFiles\":[{\"FileName\":\"a\"}]" } else { "" };
            let path = if id % 5 == 0 { "c:\\\\x" } else { "x" };
            format!("{{\"MediaID\":{id},\"MD5\":\"{MD5}\",\"SHA1\":\"{SHA1}\",\"RelativeFilePath\":\"{path}\"{files}}}")
        })
        .collect();
    let text = format!("{{\"@odata.context\":\"{CONTEXT}#Media\",\"value\":[{}]}}", media.join(",\n"));
    assert!(text.len() > 300 << 10, "longer than the buffer");
    let (whole, ending) = read(text.as_bytes(), None);
    assert!(ending.is_none() && whole.len() == media.len());
    for piece in [1, 77, 4097, 65537] {
        let (rows, ending) = read(Pieces(text.as_bytes(), piece), None);
        assert!(ending.is_none() && rows == whole, "in pieces of {piece}");
    }
}

#[test]
fn rows_before_a_failing_disk_are_handed_out() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let start = format!("{{\"value\":[\n{{\"MD5\":\"{MD5}\"}},\n{{\"MD5\":\"");
    // Longer than the start that is looked at before the first row.
    let text = format!("{}{start}", " ".repeat(70 << 10));
    let (rows, ending) = read(text.as_bytes().chain(Broken), Some(Format::Vics));
    assert_eq!(rows.len(), 1);
    assert!(matches!(ending, Some(Error::Io { line: 3, .. })), "{ending:?}");
}
