//! What lists say and what readers make of it.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::sync::Arc;

use lykta_hash::{Hash, Kind, ParseError, PhotoDna};
use lykta_list::{
    COLUMNS, Cause, Deletion, Entry, Error, Format, Label, Position, ReadOptions, Reader, Reason, Row, Tally,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

fn rows(text: impl AsRef<[u8]>) -> Vec<Row> {
    Reader::new(text.as_ref(), &ReadOptions::default()).unwrap().map(Result::unwrap).collect()
}

fn entries(text: impl AsRef<[u8]>) -> Vec<Entry> {
    let accepted = |row| match row {
        Row::Accepted(entry) => entry,
        row => panic!("{row:?}"),
    };
    rows(text).into_iter().map(accepted).collect()
}

fn as_format(format: Option<Format>) -> ReadOptions {
    ReadOptions { format, ..ReadOptions::default() }
}

fn refusal(text: impl AsRef<[u8]>, format: Option<Format>) -> Error {
    match Reader::new(text.as_ref(), &as_format(format)) {
        Ok(reader) => panic!("taken as {}", reader.format()),
        Err(error) => error,
    }
}

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
const SHA1: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";
const PDQ: &str = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22";

/// A row as somebody writes it.
#[derive(Clone, Debug)]
struct Written {
    id: String,
    path: String,
    hashes: [Option<Vec<u8>>; 7],
    quality: Option<u8>,
    size: Option<u64>,
    view: String,
    label: [String; 5],
    photodna: Option<[u8; 144]>,
}

impl Written {
    fn cell(&self, column: &str, upper: bool) -> String {
        let number = |n: Option<u64>| n.map_or(String::new(), |n| n.to_string());
        match column {
            "id" => self.id.clone(),
            "path" => self.path.clone(),
            "pdq_quality" => number(self.quality.map(u64::from)),
            "size" => number(self.size),
            "view" => self.view.clone(),
            "label_scheme" => self.label[0].clone(),
            "label_version" => self.label[1].clone(),
            "label_code" => self.label[2].clone(),
            "series" => self.label[3].clone(),
            "victim_identified" => self.label[4].clone(),
            "photodna" => self.photodna.map_or(String::new(), |bytes| PhotoDna::from(bytes).to_string()),
            // Of the list alone: nothing is made of them.
            "categorised" => String::new(),
            "decision" | "by" | "at" | "viewed" => self.label[0].clone(),
            kind => {
                let kind: Kind = kind.parse().unwrap();
                let text =
                    self.hashes[kind as usize].as_deref().map_or(String::new(), lykta_hash::text::to_hex);
                if upper { text.to_uppercase() } else { text }
            }
        }
    }

    fn has(columns: &[&str], column: &str) -> bool {
        columns.contains(&column)
    }

    /// The entry that a reader must make of the row when the list has these columns.
    fn entry(&self, columns: &[&str], row: u64, line: u64) -> Option<Entry> {
        let filled = |column: &str, text: &String| {
            (Self::has(columns, column) && !text.is_empty()).then(|| text.clone())
        };
        let hashes: Vec<_> = Kind::ALL
            .into_iter()
            .filter(|kind| Self::has(columns, kind.name()))
            .filter_map(|kind| {
                let bytes = self.hashes[kind as usize].as_deref()?;
                Some(Hash::from_hex(kind, lykta_hash::text::to_hex(bytes).as_bytes()).unwrap())
            })
            .collect();
        let label = ["label_scheme", "label_version", "label_code", "series", "victim_identified"];
        let label: Vec<_> =
            label.iter().zip(&self.label).map(|(column, text)| filled(column, text)).collect();
        let label = label.iter().any(Option::is_some).then(|| {
            let mut parts = label.into_iter().map(Option::unwrap_or_default);
            let mut next = || parts.next().unwrap();
            Label { scheme: next(), version: next(), code: next(), series: next(), victim_identified: next() }
        });
        let photodna = self.photodna.filter(|_| Self::has(columns, "photodna")).map(PhotoDna::from);
        (!hashes.is_empty() || photodna.is_some()).then(|| Entry {
            row,
            position: Position::Line(line),
            name: filled("id", &self.id).or(filled("path", &self.path)),
            hashes,
            pdq_quality: self.quality.filter(|_| Self::has(columns, "pdq_quality")),
            size: self.size.filter(|_| Self::has(columns, "size")),
            view: filled("view", &self.view),
            label: label.map(Arc::new),
            photodna,
            ..Entry::default()
        })
    }
}

/// Random bytes of that length are blank so often that a test would meet it, once in a while.
fn not_blank(bytes: &Vec<u8>) -> bool {
    *bytes != [0; 8] && *bytes != [0xff; 8]
}

prop_compose! {
    fn written()(
        names in ("[a-z ,\"\u{e9}]{0,6}", "[a-z/,\n\r\"]{0,6}", "[a-z0-9]{0,5}"),
        md5 in option::of(vec(any::<u8>(), 16)),
        sha1 in option::of(vec(any::<u8>(), 20)),
        long in prop::array::uniform3(option::of(vec(any::<u8>(), 32))),
        short in prop::array::uniform2(option::of(vec(any::<u8>(), 8).prop_filter("blank", not_blank))),
        quality in option::of(1u8..=100),
        size in option::of(any::<u64>()),
        label in prop::array::uniform5("[A-Za-z0-9 ;]{0,4}"),
        photodna in option::of(any::<u8>().prop_map(|byte| [byte; 144])),
    ) -> Written {
        let [sha256, blake3, pdq] = long;
        let [phash, dhash] = short;
        let hashes = [md5, sha1, sha256, blake3, pdq, phash, dhash];
        Written { id: names.0, path: names.1, hashes, quality, size, view: names.2, label, photodna }
    }
}

/// Some columns in any order, always one with hashes among them.
fn columns() -> impl Strategy<Value = Vec<&'static str>> {
    let some = proptest::sample::subsequence(COLUMNS.to_vec(), 1..=COLUMNS.len()).prop_shuffle();
    some.prop_filter("no hashes", |columns| columns.iter().any(|c| c.parse::<Kind>().is_ok()))
}

/// The text of a list, and the line on which each row begins. Written with the csv crate.
fn list(columns: &[&str], rows: &[Written], upper: bool, crlf: bool) -> (Vec<u8>, Vec<u64>) {
    let end = if crlf { csv::Terminator::CRLF } else { csv::Terminator::Any(b'\n') };
    let mut writer = csv::WriterBuilder::new().terminator(end).from_writer(Vec::new());
    writer.write_record(columns).unwrap();
    let mut line = 2;
    let mut lines = Vec::new();
    for row in rows {
        let cells: Vec<_> = columns.iter().map(|column| row.cell(column, upper)).collect();
        writer.write_record(&cells).unwrap();
        lines.push(line);
        line += 1 + cells.iter().map(|cell| cell.matches('\n').count() as u64).sum::<u64>();
    }
    (writer.into_inner().unwrap(), lines)
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        columns in columns(),
        rows in vec(written(), 0..6),
        upper in any::<bool>(),
        crlf in any::<bool>(),
        bom in any::<bool>(),
    ) {
        let (mut text, lines) = list(&columns, &rows, upper, crlf);
        if bom {
            text.splice(0..0, *b"\xef\xbb\xbf");
        }
        let mut tally = Tally::default();
        let mut reader = Reader::new(&text[..], &as_format(None)).unwrap();
        prop_assert_eq!(reader.format(), Format::Csv);
        for ((written, line), number) in rows.iter().zip(lines).zip(1..) {
            let row = reader.next().unwrap().unwrap();
            tally.add(&row);
            match (row, written.entry(&columns, number, line)) {
                (Row::Accepted(entry), Some(expected)) => prop_assert_eq!(entry, expected),
                (Row::Rejected(rejection), None) => {
                    prop_assert_eq!((rejection.row, rejection.position), (number, Position::Line(line)));
                    prop_assert_eq!(rejection.reason, Reason::NoHash);
                }
                other => prop_assert!(false, "{:?}", other),
            }
        }
        prop_assert!(reader.next().is_none());
        prop_assert_eq!(tally.rows, rows.len() as u64);
        prop_assert_eq!(tally.rows, tally.accepted + tally.rejected_total());
    }

    /// One bad digit: that cell of that line is named with the place in it, and nothing else changes.
    #[test]
    fn one_spoiled_cell_is_named(
        mut rows in vec(written(), 1..5),
        at in any::<prop::sample::Index>(),
        kind in prop::sample::select(Kind::ALL.to_vec()),
        digit in any::<prop::sample::Index>(),
    ) {
        let at = at.index(rows.len());
        rows[at].hashes[kind as usize].get_or_insert_with(|| vec![0x5a; kind.byte_len()]);
        rows[at].id = "SPOILED".into();
        let (text, lines) = list(&COLUMNS, &rows, false, false);
        let before = self::rows(&text);
        let cell = rows[at].cell(kind.name(), false);
        let offset = digit.index(cell.len());
        let mut bad = cell.clone();
        bad.replace_range(offset..=offset, "g");
        let text = String::from_utf8(text).unwrap();
        let (head, tail) = text.split_at(text.find("SPOILED").unwrap());
        let after = self::rows(format!("{head}{}", tail.replacen(&cell, &bad, 1)));

        let problems = match &after[at] {
            Row::Accepted(entry) => {
                prop_assert!(entry.hashes.iter().all(|hash| hash.kind() != kind));
                prop_assert_eq!(entry.position, Position::Line(lines[at]));
                &entry.dropped
            }
            Row::Rejected(rejection) => {
                prop_assert_eq!((rejection.position, rejection.reason), (Position::Line(lines[at]), Reason::BadCharacter));
                &rejection.problems
            }
            Row::Deleted(deletion) => panic!("{deletion:?}"),
        };
        prop_assert_eq!(problems.len(), 1);
        prop_assert_eq!(problems[0].column, Some(kind.name()));
        let is_named = matches!(problems[0].cause, Cause::Hash(ParseError::Character { offset: o, byte: b'g', .. }) if o == offset);
        prop_assert!(is_named, "{:?}", problems[0]);
        for i in (0..rows.len()).filter(|i| *i != at) {
            prop_assert_eq!(&after[i], &before[i]);
        }
    }

    #[test]
    fn plain_lists_are_read_line_by_line(hashes in vec(vec(any::<u8>(), 20), 1..8), blanks in vec("[ \t]{0,2}", 8), crlf in any::<bool>()) {
        let end = if crlf { "\r\n" } else { "\n" };
        let text: String = hashes.iter().zip(&blanks)
            .map(|(hash, blank)| format!("{blank}{end}{blank}{}{blank}{end}", lykta_hash::text::to_hex(hash)))
            .collect();
        let entries = entries(&text);
        prop_assert_eq!(entries.len(), hashes.len());
        for ((entry, hash), i) in entries.iter().zip(&hashes).zip(1..) {
            prop_assert_eq!((entry.row, entry.position), (i, Position::Line(2 * i)));
            prop_assert_eq!(entry.hashes[0].to_string(), format!("sha1:{}", lykta_hash::text::to_hex(hash)));
            prop_assert_eq!(&entry.name, &None);
        }
    }

    #[test]
    fn every_input_keeps_the_properties(text in vec(any::<u8>(), 0..200)) {
        lykta_list::fuzz::list_csv(&text);
    }

    #[test]
    fn every_input_that_looks_like_a_list_keeps_the_properties(
        header in prop::sample::select(vec!["md5\n", "id,md5\n", "pdq,pdq_quality,path\r\n", "", "\u{feff}sha1\n"]),
        text in "(0cc175b9c0f1b6a831c399e269772661|86f7e437faa5a7fce15d1ddcb9eaeaea377667b8|[0-9a-f]{64}|[a-g0 ]{0,3}|,|\"|\n|\r|\0|\u{e9}){0,20}",
    ) {
        lykta_list::fuzz::list_csv(format!("{header}{text}").as_bytes());
    }
}

#[test]
fn the_first_line_tells_the_format() {
    let format = |text: &str| Reader::new(text.as_bytes(), &as_format(None)).unwrap().format();
    assert_eq!(format(MD5), Format::Md5);
    assert_eq!(format(&format!("\n \n\u{20}{SHA1}\r\n")), Format::Sha1);
    for digits in ["0123456789abcdef", " 0123456789ABCDEF\t", "1234567890123456"] {
        let refused = refusal(format!("\n{digits}\n"), None);
        assert!(matches!(refused, Error::Which64Bits { line: 2 }), "{refused}");
        assert!(refused.to_string().contains("--format phash"), "{refused}");
    }
    assert!(matches!(refusal("0123456789abcde", None), Error::FirstLine { line: 1 }));
    assert_eq!(format(PDQ), Format::Sha256, "64 digits are SHA-256 unless somebody says otherwise");
    for kind in Kind::ALL {
        assert_eq!(format(kind.name()), Format::Csv);
        let plain = format!("{kind}\n{}\n", "5a".repeat(kind.byte_len()));
        assert_eq!(entries(&plain)[0].hashes[0].kind(), kind);
        let forced: Format = kind.name().parse().unwrap();
        for text in [plain.as_str(), plain.split_once('\n').unwrap().1] {
            let mut reader = Reader::new(text.as_bytes(), &as_format(Some(forced))).unwrap();
            assert_eq!(reader.format(), forced);
            let Some(Ok(Row::Accepted(entry))) = reader.next() else { panic!("no entry") };
            assert_eq!((entry.row, entry.hashes[0].kind()), (1, kind));
        }
    }
}

#[test]
fn a_forced_format_is_not_second_guessed() {
    let pdq = |text: &str| {
        Reader::new(text.as_bytes(), &as_format(Some(Format::Pdq))).unwrap().next().unwrap().unwrap()
    };
    assert!(matches!(pdq(PDQ), Row::Accepted(_)));
    assert!(matches!(pdq(MD5), Row::Rejected(r) if r.reason == Reason::BadLength));
    assert!(matches!(refusal("md5\n", Some(Format::Pdq)), Error::UnexpectedHeader { line: 1, .. }));
    assert!(matches!(refusal("id,pdq\n", Some(Format::Pdq)), Error::UnexpectedHeader { .. }));
    assert!(matches!(refusal(MD5, Some(Format::Csv)), Error::FirstLine { line: 1 }));
    assert!(Reader::new(&b"md5\n"[..], &as_format(Some(Format::Csv))).is_ok());
}

#[test]
fn headers_that_cannot_be_relied_on_are_refused() {
    let named = |text: &str| refusal(text, None);
    assert!(
        matches!(named("md5,colour\n"), Error::UnknownColumn { line: 1, column: 2, name } if name == "colour")
    );
    assert!(matches!(named("MD5\n"), Error::UnknownColumn { column: 1, .. }));
    assert!(matches!(named("md5,\n"), Error::UnknownColumn { column: 2, .. }));
    assert!(matches!(named("\nmd5, md5\n"), Error::DuplicateColumn { line: 2, name: "md5" }));
    assert!(matches!(named("id,path,size\n"), Error::NoHashColumn { line: 1 }));
    assert!(matches!(named(&format!("{MD5},{SHA1}\n")), Error::Headerless { line: 1 }));
    assert!(matches!(named(&format!("{}\n", &MD5[1..])), Error::FirstLine { .. }));
    assert!(matches!(named("<!DOCTYPE html>\n"), Error::FirstLine { .. }));
    assert!(matches!(named("md5;sha1\n"), Error::FirstLine { .. }));
    assert!(matches!(named("\"md5\"x\n"), Error::FirstLine { .. } | Error::StrayQuote { .. }));
    for empty in ["", "\n\n", " \r\n\t"] {
        assert!(matches!(named(empty), Error::Empty));
    }
    assert_eq!(rows("\u{feff}\"md5\" \n".replace("\" ", "\"")).len(), 0);
    assert_eq!(rows(" md5\t, size \n").len(), 0, "blanks around names are no part of them");
}

#[test]
fn hashes_that_would_match_what_nobody_listed_are_not_used() {
    let text = "md5,sha1,sha256,blake3,pdq,pdq_quality\n\
        d41d8cd98f00b204e9800998ecf8427e,,,,,\n\
        ,DA39A3EE5E6B4B0D3255BFEF95601890AFD80709,,,,\n\
        ,,e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855,,,\n\
        ,,,af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262,,\n";
    let zero = "0".repeat(64);
    let text = format!("{text},,,,{zero},\n,,,,{},100\n,,,,{PDQ},0\n", "f".repeat(64));
    let mut tally = Tally::default();
    rows(&text).iter().for_each(|row| tally.add(row));
    assert_eq!((tally.rows, tally.accepted), (7, 0));
    let counts: Vec<_> = tally.rejected.into_iter().collect();
    assert_eq!(counts, [(Reason::EmptyFileHash, 4), (Reason::BlankPdq, 2), (Reason::ZeroQuality, 1)]);

    let (zero, one) = ("0".repeat(16), "F".repeat(16));
    let text = format!("phash,dhash,pdq_quality\n{zero},,\n,{one},\n{one},0f0f0f0f0f0f0f0f,0\n");
    let mut tally = Tally::default();
    rows(&text).iter().for_each(|row| tally.add(row));
    assert_eq!((tally.rows, tally.accepted), (3, 1), "quality is of PDQ only");
    assert_eq!(tally.rejected.into_iter().collect::<Vec<_>>(), [(Reason::BlankHash, 2)]);
    assert_eq!(tally.dropped.into_iter().collect::<Vec<_>>(), [(Reason::BlankHash, 1)]);

    // A SHA-1 of zeros is an ordinary value: a list may plant it, and it must be found.
    assert_eq!(entries("0".repeat(40)).len(), 1);
}

#[test]
fn a_bad_cell_does_not_lose_the_good_hash_beside_it() {
    let text = format!("id,md5,sha1,pdq,pdq_quality,size\n7,{MD5},{},{PDQ},0,many\n", &SHA1[2..]);
    let [entry] = &entries(&text)[..] else { panic!("one row") };
    assert_eq!(entry.hashes.iter().map(Hash::kind).collect::<Vec<_>>(), [Kind::Md5]);
    let dropped: Vec<_> = entry.dropped.iter().map(|p| (p.column.unwrap(), p.reason())).collect();
    assert_eq!(
        dropped,
        [("sha1", Reason::BadLength), ("pdq", Reason::ZeroQuality), ("size", Reason::BadNumber)]
    );
    let mut tally = Tally::default();
    tally.add(&Row::Accepted(entry.clone()));
    assert_eq!((tally.accepted, tally.rejected_total(), tally.dropped_total()), (1, 0, 3));
    assert_eq!(tally.first[&Reason::BadLength][0].position, Position::Line(2));
    assert!(!tally.first[&Reason::BadLength][0].rejected);
}

#[test]
fn a_quality_that_is_no_number_does_not_lose_the_hash() {
    for quality in ["101", "-1", "1.5", "99999999999999999999999", "+5"] {
        let [entry] = &entries(format!("pdq,pdq_quality\n{PDQ},{quality}\n"))[..] else { panic!("one row") };
        assert_eq!((entry.hashes.len(), entry.pdq_quality), (1, None));
        assert_eq!(entry.dropped[0].cause, Cause::Number { max: 100 });
    }
}

#[test]
fn names_that_are_not_utf8_are_counted_and_their_hashes_kept() {
    let text = [b"md5,path\n", MD5.as_bytes(), b",caf\xe9.jpg\n"].concat();
    let [entry] = &entries(&text)[..] else { panic!("one row") };
    assert_eq!(entry.name, None);
    assert_eq!(entry.dropped[0].column, Some("path"));
    assert_eq!(entry.dropped[0].cause, Cause::NotUtf8 { offset: 3 });
}

#[test]
fn codes_that_are_not_utf8_reject_their_row() {
    let row = |cells: &[u8]| {
        let text = [b"md5,label_scheme,label_version,label_code,series\n", MD5.as_bytes(), cells].concat();
        rows(text).remove(0)
    };
    for cells in [&b",iwf,,\xe9,"[..], b",\xe9,,1,", b",iwf,\xe9,1,", b",iwf,,1\xff,\xff"] {
        let Row::Rejected(rejection) = row(cells) else { panic!("{cells:?}") };
        assert_eq!(rejection.reason, Reason::NotUtf8);
        assert!(rejection.problems[0].column.is_some_and(|column| column.starts_with("label_")));
    }
    assert!(matches!(row(b",iwf,,1,\xff"), Row::Accepted(entry) if entry.categorised));
}

#[test]
fn rows_of_another_width_are_rejected_not_guessed() {
    let text = format!("md5,path\n{MD5},a,b.jpg\n{MD5}\n{MD5},a\n");
    let reasons: Vec<_> = rows(&text)
        .into_iter()
        .map(|row| match row {
            Row::Rejected(r) => Ok((r.position.number(), r.reason)),
            Row::Accepted(Entry { position, .. }) | Row::Deleted(Deletion { position, .. }) => {
                Err(position.number())
            }
        })
        .collect();
    assert_eq!(reasons, [Ok((2, Reason::WrongColumns)), Ok((3, Reason::WrongColumns)), Err(4)]);
}

#[test]
fn a_row_is_counted_under_one_reason_and_tells_all() {
    let [Row::Rejected(rejection)] = &rows("size,sha1,md5\nx,zz,ab\n")[..] else { panic!("one row") };
    assert_eq!(rejection.reason, Reason::BadLength);
    assert_eq!(
        rejection.to_string(),
        "line 2: md5: 2 characters where 32 are needed; sha1: 2 characters where 40 are needed; \
         size: not a whole number from 0 to 18446744073709551615"
    );
}

#[test]
fn the_name_is_the_id_else_the_path() {
    let names: Vec<_> = entries(format!("path,md5,id\np,{MD5},i\np,{MD5},\n,{MD5},\n"))
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    assert_eq!(names, [Some("i".into()), Some("p".into()), None]);
}

#[test]
fn a_series_without_a_label_is_kept() {
    let [entry] = &entries(format!("md5,series\n{MD5},night\n"))[..] else { panic!("one row") };
    assert_eq!(entry.label, Some(Arc::new(Label { series: "night".into(), ..Label::default() })));
}

/// Without a label an entry would be a match that nobody decided on, in a list that says of others what they are.
#[test]
fn a_list_with_a_published_scheme_is_categorised_from_there_on() {
    let text = format!(
        "md5,label_scheme,label_code,series\n{MD5},,,\n{MD5},own,1,\n{MD5},Project VIC,2,\n{MD5},,,\n\
         {MD5},,1,\n{MD5},,,night\n{MD5},own,1,\n"
    );
    let read: Vec<_> = entries(text)
        .into_iter()
        .map(|entry| {
            (entry.categorised, entry.label.map(|l| (l.scheme.clone(), l.code.clone(), l.series.clone())))
        })
        .collect();
    let label = |scheme: &str, code: &str, series: &str| Some((scheme.into(), code.into(), series.into()));
    let expected = [
        (false, None),
        (false, label("own", "1", "")),
        (true, label("Project VIC", "2", "")),
        (true, label("Project VIC", "", "")),
        (true, label("", "1", "")),
        (true, label("Project VIC", "", "night")),
        (false, label("own", "1", "")),
    ];
    assert_eq!(read, expected);
}

#[test]
fn what_the_column_categorised_says_is_the_last_word() {
    let text = format!(
        "md5,label_scheme,label_code,categorised\n{MD5},projectvic,1,no\n{MD5},,,\n{MD5},projectvic,1,\n{MD5},,,no\n\
         {MD5},,1,no\n{MD5},,,yes\n{MD5},own,1,yes\n{MD5},,, \n{MD5},ncmec,A1,yes\n{MD5},,,\n"
    );
    let read: Vec<_> = entries(text)
        .into_iter()
        .map(|entry| (entry.categorised, entry.label.map(|l| (l.scheme.clone(), l.code.clone()))))
        .collect();
    let label = |scheme: &str, code: &str| Some((scheme.into(), code.into()));
    let expected = [
        (false, label("projectvic", "1")),
        // No scheme was named of which entries are categorised.
        (false, None),
        (true, label("projectvic", "1")),
        (false, None),
        (false, label("", "1")),
        (true, label("", "")),
        (true, label("own", "1")),
        (true, label("projectvic", "")),
        (true, label("ncmec", "A1")),
        (true, label("ncmec", "")),
    ];
    assert_eq!(read, expected);
}

#[test]
fn only_the_first_of_each_reason_are_kept() {
    let mut tally = Tally::default();
    rows(format!("md5\n{}", "x\n".repeat(25))).iter().for_each(|row| tally.add(row));
    assert_eq!(tally.rejected[&Reason::BadLength], 25);
    let lines: Vec<_> =
        tally.first[&Reason::BadLength].iter().map(|example| example.position.number()).collect();
    assert_eq!(lines, (2..12).collect::<Vec<_>>());
}

#[test]
fn reasons_have_names_of_their_own() {
    let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
    assert_eq!(names.len(), Reason::ALL.len());
    assert!(Reason::ALL.is_sorted());
}
