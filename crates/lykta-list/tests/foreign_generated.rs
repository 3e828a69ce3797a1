//! Lists of other makers as anybody could have written them, with every trap: what was written is read, and what
//! is spoiled afterwards is refused or counted, never a panic.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

#[path = "damage/strike.rs"]
mod strike;

use std::sync::Arc;

use csv::{QuoteStyle, Terminator, WriterBuilder};
use lykta_hash::{Digest, Hash, Kind, PhotoDna, text};
use lykta_list::{Entry, Format, Label, Mapping, Position, ReadOptions, Reader, Row};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use strike::damage;

/// What somebody knows of a file.
#[derive(Clone, Debug)]
struct File {
    md5: Option<[u8; 16]>,
    sha1: Option<[u8; 20]>,
    sha256: Option<[u8; 32]>,
    photodna: Option<[u8; 144]>,
    name: String,
    size: Option<u64>,
    words: [String; 3],
    choice: usize,
}

impl File {
    fn hex(&self, kind: Kind) -> String {
        let bytes = match kind {
            Kind::Md5 => self.md5.as_ref().map(|b| &b[..]),
            Kind::Sha1 => self.sha1.as_ref().map(|b| &b[..]),
            _ => self.sha256.as_ref().map(|b| &b[..]),
        };
        let hex = bytes.map_or(String::new(), text::to_hex);
        if self.choice.is_multiple_of(2) { hex } else { hex.to_uppercase() }
    }

    fn size(&self) -> String {
        self.size.map_or(String::new(), |size| size.to_string())
    }

    /// The entry that has these kinds of hashes; `None` when it has none of them.
    fn entry(&self, kinds: &[Kind]) -> Option<Entry> {
        let digests =
            [self.md5.map(Digest::Md5), self.sha1.map(Digest::Sha1), self.sha256.map(Digest::Sha256)];
        let known = digests.into_iter().flatten().filter(|digest| kinds.contains(&digest.kind()));
        let hashes: Vec<_> = known.map(Hash::Digest).collect();
        (!hashes.is_empty()).then(|| Entry {
            hashes,
            name: filled(&self.name),
            size: self.size,
            ..Entry::default()
        })
    }
}

/// A text, when it is more than blanks.
fn filled(text: &str) -> Option<String> {
    (!text.trim_matches([' ', '\t']).is_empty()).then(|| text.to_owned())
}

/// Files whose names match `names`.
fn files(names: &'static str) -> impl Strategy<Value = Vec<File>> {
    let file = (
        option::of(any::<[u8; 16]>()),
        option::of(any::<[u8; 20]>()),
        option::of(any::<[u8; 32]>()),
        option::of(vec(any::<u8>(), 144)),
        names,
        option::of(prop_oneof![0u64..2000, any::<u64>()]),
        prop::array::uniform3("[A-Za-z0-9 ,;\"]{0,4}"),
        0usize..64,
    );
    let file = file.prop_map(|(md5, sha1, sha256, photodna, name, size, words, choice)| {
        let photodna = photodna.map(|bytes| bytes.try_into().unwrap());
        File { md5, sha1, sha256, photodna, name, size, words, choice }
    });
    vec(file, 0..6)
}

/// A list as text, and what its rows must be, one for one: an entry without number and place, or none.
struct Made {
    format: Format,
    bytes: Vec<u8>,
    /// With the line, or the offset, on which each begins.
    rows: Vec<(Position, Option<Entry>)>,
    mapping: Option<Mapping>,
}

impl Made {
    fn check(&self) -> Result<(), TestCaseError> {
        let options = ReadOptions { mapping: self.mapping.clone(), ..ReadOptions::default() };
        let mut reader = Reader::new(&self.bytes[..], &options).unwrap();
        prop_assert_eq!(reader.format(), self.format);
        for ((position, expected), number) in self.rows.iter().zip(1..) {
            match (reader.next(), expected) {
                (Some(Ok(Row::Accepted(entry))), Some(expected)) => {
                    let expected = Entry { row: number, position: *position, ..expected.clone() };
                    prop_assert_eq!(entry, expected);
                }
                (Some(Ok(Row::Rejected(rejection))), None) => {
                    prop_assert_eq!((rejection.row, rejection.position), (number, *position));
                }
                (row, expected) => prop_assert!(false, "{:?} where {:?} was written", row, expected),
            }
        }
        let end = reader.next();
        prop_assert!(end.is_none(), "{:?}", end);
        Ok(())
    }
}

/// How a CSV file is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    separator: u8,
    always: bool,
    crlf: bool,
}

/// Rows of cells as CSV by the csv crate, and the line on which each row after the header begins.
fn sheet(rows: &[Vec<Vec<u8>>], style: Style) -> (Vec<u8>, Vec<Position>) {
    let mut writer = WriterBuilder::new()
        .delimiter(style.separator)
        .quote_style(if style.always { QuoteStyle::Always } else { QuoteStyle::Necessary })
        .terminator(if style.crlf { Terminator::CRLF } else { Terminator::Any(b'\n') })
        .flexible(true)
        .from_writer(Vec::new());
    let (mut line, mut lines) = (1, Vec::new());
    for row in rows {
        writer.write_record(row).unwrap();
        lines.push(Position::Line(line));
        line += 1 + row.iter().flatten().filter(|byte| **byte == b'\n').count() as u64;
    }
    (writer.into_inner().unwrap(), lines)
}

fn strings(cells: &[&str]) -> Vec<Vec<u8>> {
    cells.iter().map(|cell| cell.as_bytes().to_vec()).collect()
}

/// A list with this header; `row` says the cells of a file and the entry that they are.
fn with_header(
    format: Format,
    header: &[&str],
    files: &[File],
    style: Style,
    row: impl Fn(&File) -> (Vec<Vec<u8>>, Option<Entry>),
) -> Made {
    let (mut rows, mut entries) = (vec![strings(header)], Vec::new());
    for file in files {
        let (cells, entry) = row(file);
        rows.push(cells);
        entries.push(entry);
    }
    let (bytes, lines) = sheet(&rows, style);
    Made { format, bytes, rows: lines.into_iter().skip(1).zip(entries).collect(), mapping: None }
}

/// Names as NSRL has them: bytes of some old character set, or UTF-8.
fn nsrl(files: &[File], is_2: bool, crlf: bool) -> Made {
    let style = Style { separator: b',', always: true, crlf };
    let header: &[&str] = if is_2 {
        &["SHA-1", "MD5", "CRC32", "FileName", "FileSize", "ProductCode", "OpSystemCode", "SpecialCode"]
    } else {
        &[
            "SHA-1",
            "FileName",
            "FileSize",
            "ProductCode",
            "OpSystemCode",
            "MD4",
            "MD5",
            "CRC32",
            "SpecialCode",
        ]
    };
    let made = with_header(Format::NsrlText, header, files, style, |file| {
        let latin1: Option<Vec<u8>> = file.name.chars().map(|c| u8::try_from(c).ok()).collect();
        let name = latin1.filter(|_| file.choice % 4 < 2).unwrap_or(file.name.clone().into_bytes());
        let read = String::from_utf8(name.clone())
            .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        let (sha1, md5, size) = (file.hex(Kind::Sha1), file.hex(Kind::Md5), file.size());
        let mut cells = if is_2 {
            strings(&[&sha1, &md5, "CABEC7CD", "", &size, "12", "WIN", ""])
        } else {
            strings(&[&sha1, "", &size, "1", "WIN", "00000000000000000000000000000000", &md5, "CABEC7CD", ""])
        };
        cells[if is_2 { 3 } else { 1 }] = name;
        let entry = file.entry(&[Kind::Md5, Kind::Sha1]);
        (cells, entry.map(|entry| Entry { name: filled(&read), ..entry }))
    });
    // The makers put numbers bare: here only where no name could be taken for one.
    let is_plain = files.iter().all(|file| file.name.chars().all(|c| c.is_alphabetic() || c == ' '));
    let bytes = if is_plain { with_bare_numbers(&made.bytes) } else { made.bytes };
    Made { bytes, ..made }
}

/// The text without the quotation marks around short numbers.
fn with_bare_numbers(text: &[u8]) -> Vec<u8> {
    let parts: Vec<_> = text.split(|byte| *byte == b'"').collect();
    let is_bare = |part: &[u8]| !part.is_empty() && part.len() < 8 && part.iter().all(u8::is_ascii_digit);
    let mut bare = parts[0].to_vec();
    for pair in parts.windows(2) {
        if !is_bare(pair[0]) && !is_bare(pair[1]) {
            bare.push(b'"');
        }
        bare.extend_from_slice(pair[1]);
    }
    bare
}

fn hashkeeper(files: &[File], style: Style) -> Made {
    let header = ["file_id", "hashset_id", "file_name", "directory", "hash", "file_size", "comments"];
    with_header(Format::HashKeeper, &header, files, Style { separator: b',', ..style }, |file| {
        let cells = ["7", "1", &file.name, "", &file.hex(Kind::Md5), &file.size(), &file.words[0]];
        (strings(&cells), file.entry(&[Kind::Md5]))
    })
}

fn ilook(files: &[File], style: Style, is_4: bool) -> Made {
    let header = [
        if is_4 { "V4Hash" } else { "V3Hash" },
        "HashSHA1",
        "FileName",
        "FilePath",
        "FileSize",
        "HashSHA256",
        "HashSHA384",
        "HashSHA512",
        "CreateTime",
        "ModTime",
        "LastAccessTime",
    ];
    let header = if is_4 { &header[..] } else { &header[..8] };
    with_header(Format::Ilook, header, files, Style { separator: b',', ..style }, |file| {
        let [md5, sha1, sha256] = [Kind::Md5, Kind::Sha1, Kind::Sha256].map(|kind| file.hex(kind));
        let cells =
            [&md5, &sha1, &file.name, "\\", &file.size(), &sha256, "", "", "16.4.2008 14:29:24", "", ""];
        let entry = file.entry(&[Kind::Md5, Kind::Sha1, Kind::Sha256]);
        let name = filled(&file.name).or(Some("\\".into()));
        (strings(&cells[..header.len()]), entry.map(|entry| Entry { name, ..entry }))
    })
}

/// Flags as they are written, and as they are kept.
const FLAGS: [(&str, &str); 8] = [
    ("y", "yes"),
    ("YES", "yes"),
    ("t", "yes"),
    ("True", "yes"),
    ("N", "no"),
    ("false", "no"),
    ("later", "later"),
    ("", ""),
];

fn icse(files: &[File], style: Style, order: &[usize], has_baseline: bool) -> Made {
    let all =
        ["MD5", "SHA1", "PhotoDNA", "Image ID", "Series name", "Victim identified", "Media Type", "Baseline"];
    let order: Vec<_> = order.iter().copied().filter(|at| has_baseline || all[*at] != "Baseline").collect();
    let header: Vec<_> = order.iter().map(|at| all[*at]).collect();
    with_header(Format::Icse, &header, files, Style { separator: b';', ..style }, |file| {
        let photodna = file.photodna.map(PhotoDna::from);
        let written = photodna.as_ref().map_or(String::new(), |photodna| match file.choice % 2 {
            0 => photodna.to_string(),
            _ => text::to_hex(photodna.as_bytes()),
        });
        let (flag, code) = FLAGS[file.choice % FLAGS.len()];
        let cells = [
            &file.hex(Kind::Md5),
            &file.hex(Kind::Sha1),
            &written,
            &file.name,
            &file.words[0],
            &file.words[1],
            "image",
            flag,
        ];
        let mut cells: Vec<_> = order.iter().map(|at| cells[*at]).collect();
        // Rows may end early.
        while file.choice >= 32 && cells.len() > 1 && cells.last().is_some_and(|cell| cell.is_empty()) {
            cells.pop();
        }
        let code = if has_baseline { code } else { "" };
        let [series, victim] = [0, 1].map(|at| filled(&file.words[at]).unwrap_or_default());
        let is_labelled = has_baseline || [&series, &victim].iter().any(|word| !word.is_empty());
        let label = is_labelled.then(|| Label {
            scheme: if has_baseline { "interpol-baseline".into() } else { String::new() },
            code: code.into(),
            series,
            victim_identified: victim,
            ..Label::default()
        });
        let hashes = file.entry(&[Kind::Md5, Kind::Sha1]).map_or(Vec::new(), |entry| entry.hashes);
        let entry = (!hashes.is_empty() || photodna.is_some()).then(|| Entry {
            hashes,
            photodna,
            name: filled(&file.name),
            label: label.map(Arc::new),
            categorised: has_baseline,
            ..Entry::default()
        });
        (strings(&cells), entry)
    })
}

fn hashdeep(files: &[File], crlf: bool) -> Made {
    let end = if crlf { "\r\n" } else { "\n" };
    let mut bytes =
        format!("%%%% HASHDEEP-1.0{end}%%%% size,md5,sha1,sha256,filename{end}## $ hashdeep{end}");
    let (mut line, mut rows) = (4, Vec::new());
    for file in files {
        let [md5, sha1, sha256] = [Kind::Md5, Kind::Sha1, Kind::Sha256].map(|kind| file.hex(kind));
        bytes += &format!("{},{md5},{sha1},{sha256},{}{end}", file.size(), file.name);
        rows.push((Position::Line(line), file.entry(&[Kind::Md5, Kind::Sha1, Kind::Sha256])));
        line += 1;
    }
    Made { format: Format::Hashdeep, bytes: bytes.into_bytes(), rows, mapping: None }
}

/// Lines in every style that their names allow, the way the programs write them.
fn sums(files: &[File], crlf: bool) -> Made {
    let end = if crlf { "\r\n" } else { "\n" };
    let first = format!("{}  first{end}", "5a".repeat(16));
    let (mut bytes, mut line) = (first, 2);
    let entry = |digest, name: &str| Entry {
        hashes: vec![Hash::Digest(digest)],
        name: (!name.is_empty()).then(|| name.to_owned()),
        ..Entry::default()
    };
    let mut rows = vec![(Position::Line(1), Some(entry(Digest::Md5([0x5a; 16]), "first")))];
    for file in files {
        let kinds: [(_, &str, Kind); 3] = [
            (file.md5.map(Digest::Md5), "MD5", Kind::Md5),
            (file.sha1.map(Digest::Sha1), "SHA1", Kind::Sha1),
            (file.sha256.map(Digest::Sha256), "SHA256", Kind::Sha256),
        ];
        let Some((Some(digest), tag, kind)) = kinds.into_iter().find(|kind| kind.0.is_some()) else {
            continue;
        };
        let hex = file.hex(kind);
        let needs_escape = file.name.contains(['\\', '\n', '\r']);
        let name = file.name.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        let mark = if needs_escape { "\\" } else { "" };
        let is_odd = filled(&name).is_none() || name.starts_with([' ', '*']);
        let (text, size) = match file.choice % 6 {
            0 => (format!("{mark}{hex} *{name}"), None),
            1 => (format!("{mark}{tag} ({name}) = {hex}"), None),
            2 => (format!("{mark}{tag}({name})= {hex}"), None),
            3 if !needs_escape => {
                let size = file.size.unwrap_or(0);
                (format!("{size:>10}  {hex}  {name}"), Some(size))
            }
            4 if !is_odd => (format!("{mark}{hex} {name}"), None),
            _ => (format!("{mark}{hex}  {name}"), None),
        };
        // After a hash, blanks are no name; between brackets they are.
        let has_name = filled(&file.name).is_some() || matches!(file.choice % 6, 1 | 2);
        let read = Entry { size, ..entry(digest, if has_name { &file.name } else { "" }) };
        bytes += &format!("{text}{end}");
        rows.push((Position::Line(line), Some(read)));
        line += 1;
    }
    Made { format: Format::Sums, bytes: bytes.into_bytes(), rows, mapping: None }
}

fn encase(files: &[File]) -> Made {
    let mut bytes = vec![0; 1152];
    bytes[..8].copy_from_slice(b"HASH\r\n\xff\0");
    let mut rows = Vec::new();
    for file in files {
        let Some(md5) = file.md5 else { continue };
        rows.push((
            Position::Byte(bytes.len() as u64),
            Some(Entry { hashes: vec![Hash::Digest(Digest::Md5(md5))], ..Entry::default() }),
        ));
        bytes.extend(md5);
        bytes.extend([0, 0]);
    }
    bytes[16..20].copy_from_slice(&(rows.len() as u32).to_le_bytes());
    Made { format: Format::EnCase, bytes, rows, mapping: None }
}

fn mapped(files: &[File], style: Style, order: &[usize], names: &[String; 8]) -> Made {
    let targets = ["md5", "sha1", "sha256", "path", "size", "label_code", "series", ""];
    let quoted = |name: &String| format!("\"{}\"", name.replace('"', "\"\""));
    let header: Vec<_> = order.iter().map(|at| names[*at].as_str()).collect();
    let parts = (0..7).map(|at| format!("{}={}", targets[at], quoted(&names[at])));
    let separator = match style.separator {
        b'\t' => "tab".to_owned(),
        b',' => "comma".to_owned(),
        other => char::from(other).to_string(),
    };
    let text: Vec<_> = parts.chain(["label_scheme:=own".into(), format!("separator={separator}")]).collect();
    let mapping: Mapping = text.join(",").parse().unwrap();
    assert_eq!(mapping.to_string().parse::<Mapping>().as_ref(), Ok(&mapping), "{mapping}");
    let made = with_header(Format::Mapped, &header, files, style, |file| {
        let [md5, sha1, sha256] = [Kind::Md5, Kind::Sha1, Kind::Sha256].map(|kind| file.hex(kind));
        let cells = [&md5, &sha1, &sha256, &file.name, &file.size(), &file.words[0], &file.words[1], "x"];
        let [code, series] = [0, 1].map(|at| filled(&file.words[at]).unwrap_or_default());
        let label = Some(Label { scheme: "own".into(), code, series, ..Label::default() });
        let entry = file.entry(&[Kind::Md5, Kind::Sha1, Kind::Sha256]);
        let cells: Vec<_> = order.iter().map(|at| cells[*at]).collect();
        (strings(&cells), entry.map(|entry| Entry { label: label.map(Arc::new), categorised: true, ..entry }))
    });
    Made { mapping: Some(mapping), ..made }
}

fn style() -> impl Strategy<Value = Style> {
    let separator = prop::sample::select(vec![b',', b';', b'\t', b'|', b'^']);
    (separator, any::<bool>(), any::<bool>()).prop_map(|(separator, always, crlf)| Style {
        separator,
        always,
        crlf,
    })
}

fn order() -> impl Strategy<Value = Vec<usize>> {
    Just((0..8).collect::<Vec<_>>()).prop_shuffle()
}

/// Names that differ, whatever their case.
fn names() -> impl Strategy<Value = [String; 8]> {
    prop::array::uniform8("[a-z,;=\"#: ]{0,5}").prop_map(|names| {
        let mut number = 0;
        names.map(|name| {
            number += 1;
            format!("{name}{number}")
        })
    })
}

const IN_QUOTES: &str = "[ab ,;\"\n\r\u{e9}\u{4e2d}]{0,6}";
const ON_A_LINE: &str = "[ab ,;\"\\\\#\u{e9}]{0,6}";
const OF_SUMS: &str = "[ab *()=\\\\\n\r\u{e9}]{0,6}";

prop_compose! {
    /// A list of any format.
    fn made()(
        format in 0usize..10,
        quoted in files(IN_QUOTES),
        plain in files("[ab ]{0,3}"),
        line in files(ON_A_LINE),
        names_of_sums in files(OF_SUMS),
        style in style(),
        order in order(),
        names in names(),
        flag in any::<bool>(),
    ) -> Made {
        match format {
            0 => nsrl(&quoted, flag, style.crlf),
            1 => nsrl(&plain, true, false),
            2 => hashkeeper(&quoted, style),
            3 => ilook(&quoted, style, flag),
            4 => icse(&quoted, style, &order, flag),
            5 => hashdeep(&line, style.crlf),
            6 => sums(&names_of_sums, style.crlf),
            7 => encase(&quoted),
            8 => nsrl(&quoted, true, false),
            _ => mapped(&quoted, style, &order, &names),
        }
    }
}

impl std::fmt::Debug for Made {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}: {}", self.format, self.mapping, self.bytes.escape_ascii())
    }
}

/// A row of NSRL 2.x in which a cell or two may be odd.
fn nsrl_row() -> impl Strategy<Value = String> {
    let cells = [
        "\"86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8\"",
        "\"0CC175B9C0F1B6A831C399E269772661\"",
        "\"CABEC7CD\"",
        "\"a b\"",
        "503",
        "12",
        "\"WIN\"",
        "\"\"",
    ];
    let odd = prop::sample::select(vec![
        "",
        "\"",
        "\"\"",
        "\"\"\"\"",
        "a\"b",
        "\"a\"b\"",
        "\"a\"\"b\"",
        "\"a\"b",
        "a",
        " ",
        "\" \"",
        "\"503\"",
        "5x",
        "1234567890123456789",
        "12345678901234567890",
        "123456789012345678901",
        "\"DA39A3EE5E6B4B0D3255BFEF95601890AFD80709\"",
        "\"D41D8CD98F00B204E9800998ECF8427E\"",
        "\"CABE\"7CD\"",
        "\"CABE,7CD\"",
        "\"a,b\"",
        "\"\u{e9}\"",
        "1,2",
        "86F7E437FAA5A7FCE15D1DDCB9EAEAEA377667B8",
        "0CC175B9C0F1B6A831C399E26977266G",
    ]);
    vec((0usize..8, odd), 0..3).prop_map(move |changes| {
        let mut cells = cells;
        for (at, odd) in changes {
            cells[at] = odd;
        }
        cells.join(",")
    })
}

/// What means something in one of these formats, or in none.
const MARKS: &[&[u8]] = &[b"\"", b",", b";", b"\n", b"\r", b"\0", b"\xff", b"=", b"\\", b"#", b"%"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn what_was_written_is_read(made in made()) {
        made.check()?;
    }

    /// Whatever happens to a list, reading it ends with an error or with rows that are all accounted for.
    #[test]
    fn damage_is_refused_or_counted(made in made(), damage in vec(damage(MARKS), 1..4)) {
        let mut bytes = made.bytes.clone();
        damage.iter().for_each(|damage| damage.strike(&mut bytes));
        let options =
            ReadOptions { format: Some(made.format), mapping: made.mapping.clone(), ..ReadOptions::default() };
        if let Ok(reader) = Reader::new(&bytes[..], &options) {
            let mut last = Position::default();
            for (row, number) in reader.map_while(Result::ok).zip(1..) {
                let (at, position) = match row {
                    Row::Accepted(entry) => {
                        let kinds: Vec<_> = entry.hashes.iter().map(Hash::kind).collect();
                        prop_assert!(kinds.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", kinds);
                        prop_assert!(!kinds.is_empty() || entry.photodna.is_some());
                        (entry.row, entry.position)
                    }
                    Row::Rejected(rejection) => (rejection.row, rejection.position),
                    Row::Deleted(deletion) => (deletion.row, deletion.position),
                };
                prop_assert_eq!(at, number);
                prop_assert!(last < position || last == Position::default(), "{} after {}", position, last);
                last = position;
            }
        }
        lykta_list::propose(&bytes);
        prop_assert!(lykta_list::fuzz::signs(&bytes).len() <= 1);
    }

    /// The quick reading of NSRL rows and the general one make the same of every row, whole or odd. It is the
    /// header in the case of its makers that allows the quick one.
    #[test]
    fn the_quick_reading_of_nsrl_is_the_general_one(rows in vec(nsrl_row(), 1..4), crlf in any::<bool>()) {
        let header = "\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"SpecialCode\"";
        let end = if crlf { "\r\n" } else { "\n" };
        let read = |header: &str| {
            let text = format!("{header}{end}{}{end}", rows.join(end));
            let rows: Vec<_> = Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap().collect();
            rows.into_iter().map(|row| row.map_err(|error| error.to_string())).collect::<Vec<_>>()
        };
        prop_assert_eq!(read(header), read(&header.to_ascii_lowercase()));
    }

    /// Text that is no mapping is refused, and one that is can be written and read back.
    #[test]
    fn mappings_are_refused_or_read_back(text in "(md5|sha1|id|size|label_code|/base32|=|:=|#1|#|,|\"|a| |separator|tab|;|header|no){0,12}") {
        if let Ok(mapping) = text.parse::<Mapping>() {
            prop_assert_eq!(mapping.to_string().parse::<Mapping>(), Ok(mapping));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn damage_has_the_properties_of_every_input(made in made(), damage in vec(damage(MARKS), 0..4)) {
        let mut bytes = made.bytes;
        damage.iter().for_each(|damage| damage.strike(&mut bytes));
        lykta_list::fuzz::list_csv(&bytes);
    }
}
