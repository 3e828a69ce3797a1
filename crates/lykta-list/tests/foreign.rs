//! Lists of other makers: real samples, what is made of doubtful rows, and how formats are told apart.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{env, fs};

use lykta_hash::{Hash, Kind};
use lykta_list::{Entry, Error, Format, Label, Mapping, Position, ReadOptions, Reader, Reason, Row, Tally};

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";
const SHA1: &str = "86f7e437faa5a7fce15d1ddcb9eaeaea377667b8";
const SHA256: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";
const SHA512: &str = "1f40fc92da241694750979ee6cf582f2d5d7d28e18335de05abc54d0560e0f5302860c652bf08d560252aa5e74210546f369fbbbce8c12cfc7957b2652fe9a75";
const EMPTY: &str = "d41d8cd98f00b204e9800998ecf8427e";

struct Read {
    format: Format,
    rows: Vec<Row>,
    version: Option<String>,
    ending: Option<Error>,
}

fn read_with(bytes: &[u8], options: &ReadOptions) -> Read {
    let mut reader = Reader::new(bytes, options).unwrap();
    let (mut rows, mut ending) = (Vec::new(), None);
    for row in reader.by_ref() {
        match row {
            Ok(row) => rows.push(row),
            Err(error) => ending = Some(error),
        }
    }
    Read { format: reader.format(), rows, version: reader.version(), ending }
}

fn read(bytes: impl AsRef<[u8]>, format: Format) -> Vec<Row> {
    let read = read_with(bytes.as_ref(), &ReadOptions::default());
    assert_eq!(read.format, format);
    assert!(read.ending.is_none(), "{:?}", read.ending);
    read.rows
}

fn accepted(row: &Row) -> &Entry {
    match row {
        Row::Accepted(entry) => entry,
        row => panic!("{row:?}"),
    }
}

fn refused(row: &Row) -> Reason {
    match row {
        Row::Rejected(rejection) => rejection.reason,
        row => panic!("{row:?}"),
    }
}

fn refusal(bytes: impl AsRef<[u8]>, options: &ReadOptions) -> Error {
    match Reader::new(bytes.as_ref(), options) {
        Ok(reader) => panic!("taken as {}", reader.format()),
        Err(error) => error,
    }
}

fn kinds(entry: &Entry) -> Vec<Kind> {
    entry.hashes.iter().map(Hash::kind).collect()
}

fn dropped(entry: &Entry) -> Vec<(&str, Reason)> {
    entry.dropped.iter().map(|problem| (problem.column.unwrap_or(""), problem.reason())).collect()
}

mod corpus {
    use super::*;

    /// The folder of real samples, when there is one.
    fn folder(test: &str) -> Option<PathBuf> {
        let folder = env::var_os("LYKTA_CORPUS").map(|corpus| Path::new(&corpus).join("lists"));
        if folder.is_none() {
            // Not by println, which a test that passes keeps to itself: a skip must be seen.
            let line =
                format!("skipped, LYKTA_CORPUS is not set: {test} reads the samples in its folder lists\n");
            std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
        }
        folder
    }

    /// What a sample must give: rows, accepted, entries with a size, and hashes in all.
    #[derive(Debug, PartialEq, Eq)]
    struct Count {
        format: Format,
        rows: usize,
        accepted: usize,
        sizes: usize,
        hashes: usize,
    }

    fn count(path: &Path) -> Count {
        let options = ReadOptions { path: Some(path.to_owned()), ..ReadOptions::default() };
        let read = read_with(&fs::read(path).unwrap(), &options);
        assert!(read.ending.is_none(), "{}: {:?}", path.display(), read.ending);
        let mut tally = Tally::default();
        read.rows.iter().for_each(|row| tally.add(row));
        assert_eq!(tally.dropped_total(), 0, "{}: {:?}", path.display(), tally.first);
        let entries = read.rows.iter().filter_map(|row| match row {
            Row::Accepted(entry) => Some(entry),
            _ => None,
        });
        Count {
            format: read.format,
            rows: read.rows.len(),
            accepted: entries.clone().count(),
            sizes: entries.clone().filter(|entry| entry.size.is_some()).count(),
            hashes: entries.map(|entry| entry.hashes.len()).sum(),
        }
    }

    /// Runs of hexadecimal digits with so many of them, none of them the digest of an empty file.
    fn runs(line: &str, digits: usize) -> usize {
        let words = line.split(|c: char| !c.is_ascii_hexdigit());
        let empty = [EMPTY, "da39a3ee5e6b4b0d3255bfef95601890afd80709"];
        words.filter(|word| word.len() == digits && !empty.contains(&word.to_lowercase().as_str())).count()
    }

    /// Counts by looking for runs of digits in lines, not knowing any format.
    fn by_hand(format: Format, text: &str, heads: usize, digits: &[usize], has_size: bool) -> Count {
        let lines: Vec<_> = text
            .lines()
            .skip(heads)
            .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
            .collect();
        let hashes = |line: &&&str| digits.iter().map(|digits| runs(line, *digits).min(1)).sum::<usize>();
        let accepted = lines.iter().filter(|line| hashes(line) > 0).count();
        let hashes = lines.iter().map(|line| hashes(&line)).sum();
        Count { format, rows: lines.len(), accepted, sizes: if has_size { accepted } else { 0 }, hashes }
    }

    #[test]
    fn samples_give_what_is_counted_in_their_text() {
        let Some(folder) = folder("samples_give_what_is_counted_in_their_text") else { return };
        let samples: [(&str, Format, usize, &[usize], bool); 11] = [
            // The MD4 of 1.5 is 32 digits too: a run counts once for a line.
            ("NSRL-1.5.txt", Format::NsrlText, 1, &[40, 32], true),
            ("NSRL-2.0.txt", Format::NsrlText, 1, &[40, 32], true),
            ("nsrlfile.txt", Format::NsrlText, 1, &[40, 32], true),
            ("Z00236.hsh", Format::HashKeeper, 1, &[32], true),
            ("bsd-hashes.txt", Format::Sums, 0, &[32], false),
            ("hashdeep.txt", Format::Hashdeep, 2, &[32, 64], true),
            ("ilookv3.hsh", Format::Ilook, 1, &[32, 40], true),
            ("ilookv4.hsh", Format::Ilook, 1, &[32, 40], true),
            ("known.txt", Format::Sums, 0, &[32], false),
            ("md5deep-size.txt", Format::Sums, 0, &[32], true),
            ("md5deep.txt", Format::Sums, 0, &[32], false),
        ];
        for (name, format, heads, digits, has_size) in samples {
            let path = folder.join(name);
            let text: String = fs::read(&path).unwrap().into_iter().map(char::from).collect();
            let counted = by_hand(format, &text, heads, digits, has_size);
            println!("{name}: {counted:?}");
            assert_eq!(count(&path), counted, "{name}");
            assert!(counted.rows > 0);
        }
    }

    #[test]
    fn samples_name_their_files_and_sets() {
        let Some(folder) = folder("samples_name_their_files_and_sets") else { return };
        let sample = |name: &str| {
            let path = folder.join(name);
            let options = ReadOptions { path: Some(path.clone()), ..ReadOptions::default() };
            read_with(&fs::read(&path).unwrap(), &options)
        };
        let set = sample("Z00236.hsh");
        assert_eq!(set.version.as_deref(), Some("Z00236 Microsoft Windows 2000 Server, 2000 Server"));
        assert_eq!(accepted(&set.rows[0]).name.as_deref(), Some("acsetups.pdb"));
        let known = sample("known.txt");
        assert_eq!(accepted(&known.rows[0]).name.as_deref(), Some("ChangeLog"));
        assert_eq!(refused(&known.rows[1]), Reason::NoHash);
        let nsrl = sample("nsrlfile.txt");
        assert_eq!(refused(&nsrl.rows[1]), Reason::EmptyFileHash);
        let sized = accepted(&sample("md5deep-size.txt").rows[1]).clone();
        assert_eq!((sized.size, sized.name.as_deref()), (Some(298), Some("/Users/jessek/foo.cpp")));
    }

    #[test]
    fn a_hke_is_refused_with_a_word_on_the_hsh() {
        let Some(folder) = folder("a_hke_is_refused_with_a_word_on_the_hsh") else { return };
        let text = fs::read(folder.join("Z00236.hke")).unwrap();
        let error = refusal(text, &ReadOptions::default()).to_string();
        assert!(error.contains("give the .hsh"), "{error}");
    }
}

/// A list of every format that has a sign, and of Lykta's own.
fn samples() -> Vec<(Option<Format>, Vec<u8>)> {
    let text = |format: Format, text: &str| (Some(format), text.as_bytes().to_vec());
    let own = |text: String| (None, text.into_bytes());
    vec![
        text(
            Format::NsrlText,
            "\"SHA-1\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"MD4\",\"MD5\",\"CRC32\",\"SpecialCode\"\n",
        ),
        text(
            Format::NsrlText,
            "\u{feff}\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"SpecialCode\"\r\n",
        ),
        text(Format::Hashdeep, "\n%%%% HASHDEEP-1.0\n%%%% size,md5,filename\n"),
        text(
            Format::HashKeeper,
            "\"file_id\",\"hashset_id\",\"file_name\",\"directory\",\"hash\",\"file_size\",\"date_modified\",\"time_modified\",\"time_zone\",\"comments\",\"date_accessed\",\"time_accessed\"\n",
        ),
        text(Format::Ilook, "V1Hash,HashType,SetDescription,FileName,FilePath,FileSize\n"),
        text(Format::Ilook, "V3Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512\n"),
        text(
            Format::Ilook,
            "V4Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512,CreateTime,ModTime,LastAccessTime\n",
        ),
        (Some(Format::EnCase), encase(&[[7; 16]], "set")),
        text(
            Format::Icse,
            "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;Series name;Number of submissions;File Available;Media Type;Baseline\n",
        ),
        text(Format::Sums, &format!("{MD5}  name\n")),
        text(Format::Sums, &format!("\\{SHA1} *na\\nme\n")),
        text(Format::Sums, &format!("# made by hand\nMD5 (a) = {MD5}\n")),
        text(Format::Sums, &format!("SHA2-256(a)= {SHA256}\n")),
        text(Format::Sums, &format!("SHA512 (a) = {SHA512}\n")),
        text(Format::Sums, &format!("      1234  {MD5}  name\n")),
        own(format!("md5\n{MD5}\n")),
        own(format!("id,md5,sha1,size,label_code\na,{MD5},{SHA1},3,A\n")),
        own(format!("{MD5}\n{MD5}  name\n")),
        own(format!("  {SHA1}  \n")),
        own(format!("{SHA256}\n")),
    ]
}

/// The marks of an own list: those with a sign of their own are what is left when it is read as none of them.
#[test]
fn formats_are_told_apart() {
    for (format, sample) in samples() {
        let found = lykta_list::fuzz::signs(&sample);
        assert_eq!(found, format.into_iter().collect::<Vec<_>>(), "{}", String::from_utf8_lossy(&sample));
    }
}

fn encase(hashes: &[[u8; 16]], name: &str) -> Vec<u8> {
    let mut file = vec![0; 1152];
    file[..8].copy_from_slice(b"HASH\r\n\xff\0");
    file[8] = 2;
    file[16..20].copy_from_slice(&(hashes.len() as u32).to_le_bytes());
    for (unit, at) in name.encode_utf16().take(38).zip((1032..).step_by(2)) {
        file[at..at + 2].copy_from_slice(&unit.to_le_bytes());
    }
    for hash in hashes {
        file.extend(hash);
        file.extend([0, 0]);
    }
    file
}

mod nsrl {
    use super::*;

    const HEADER: &str = "\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\",\"ProductCode\",\"OpSystemCode\",\"SpecialCode\"\n";

    #[test]
    fn names_have_commas_marks_and_any_character_set() {
        let row = |name: &[u8]| {
            let start = format!("{HEADER}\"{SHA1}\",\"{MD5}\",\"CABEC7CD\",\"");
            let text = [start.as_bytes(), name, b"\",503,1,\"WIN\",\"\"\n"].concat();
            accepted(&read(text, Format::NsrlText)[0]).clone()
        };
        for (name, read) in [
            (&b"a, b.txt"[..], "a, b.txt"),
            (b"a \"\"b\"\".txt", "a \"b\".txt"),
            ("caf\u{e9}".as_bytes(), "caf\u{e9}"),
            (b"caf\xe9", "caf\u{e9}"),
            (b" a ", " a "),
        ] {
            let entry = row(name);
            assert_eq!(entry.name.as_deref(), Some(read));
            assert_eq!((kinds(&entry), entry.size), (vec![Kind::Md5, Kind::Sha1], Some(503)));
        }
    }

    #[test]
    fn a_mark_that_is_not_doubled_rejects_its_row_only() {
        let row = |name: &str| format!("\"{SHA1}\",\"{MD5}\",\"CABEC7CD\",\"{name}\",503,1,\"WIN\",\"\"\n");
        let rows = read(format!("{HEADER}{}{}", row("a\"b"), row("c")), Format::NsrlText);
        assert_eq!(refused(&rows[0]), Reason::BadQuote);
        assert_eq!(accepted(&rows[1]).position, Position::Line(3));
    }
}

mod hashdeep {
    use super::*;

    #[test]
    fn commas_left_belong_to_the_name_and_other_kinds_are_told() {
        let text = format!(
            "%%%% HASHDEEP-1.0\r\n%%%% size,md5,sha-1,whirlpool,filename\r\n## Invoked from: /\r\n\
             3,{MD5},{SHA1},,/a, b,c\r\n\r\n3,{MD5},,abcd,d\r\n3,,,abcd,e\r\n3,{MD5}\r\n\
             %%%% HASHDEEP-1.0\r\n%%%% size,sha256,filename\r\n4,{SHA256},f\r\n"
        );
        let rows = read(text, Format::Hashdeep);
        let first = accepted(&rows[0]);
        assert_eq!(
            (first.name.as_deref(), first.size, first.position),
            (Some("/a, b,c"), Some(3), Position::Line(4))
        );
        assert_eq!(kinds(first), [Kind::Md5, Kind::Sha1]);
        assert_eq!(dropped(accepted(&rows[1])), [("whirlpool", Reason::UnsupportedKind)]);
        assert_eq!(refused(&rows[2]), Reason::UnsupportedKind);
        assert_eq!(refused(&rows[3]), Reason::WrongColumns);
        assert_eq!(kinds(accepted(&rows[4])), [Kind::Sha256], "a second header holds from there on");
    }

    #[test]
    fn headers_that_cannot_be_relied_on_are_refused() {
        for (text, word) in [
            ("%%%% HASHDEEP-2.0\n%%%% size,md5,filename\n", "only version"),
            ("%%%% HASHDEEP-1.0\n", "names the columns"),
            ("%%%% HASHDEEP-1.0\n3,a\n", "names the columns"),
            ("%%%% HASHDEEP-1.0\n%%%% size,filename,md5\n", "last column"),
            ("%%%% HASHDEEP-1.0\n%%%% size,tiger,filename\n", "none of md5"),
            ("%%%% HASHDEEP-1.0\n%%%% size,md5,md5,filename\n", "two columns named md5"),
        ] {
            let error = refusal(text, &ReadOptions::default()).to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}

mod sums {
    use super::*;

    fn one(line: &str) -> Row {
        // The first line makes it such a list.
        read(format!("{MD5}  first\n{line}\n"), Format::Sums).remove(1)
    }

    #[test]
    fn every_style_is_read() {
        for (line, kind, name, size) in [
            (format!("{MD5}  a b "), Kind::Md5, Some("a b "), None),
            (format!("{SHA1} *a"), Kind::Sha1, Some("a"), None),
            (format!("{SHA256} a"), Kind::Sha256, Some("a"), None),
            (format!("{MD5}\ta"), Kind::Md5, Some("a"), None),
            (format!("{MD5}   a"), Kind::Md5, Some(" a"), None),
            (format!("\\{MD5}  a\\nb\\\\c\\r"), Kind::Md5, Some("a\nb\\c\r"), None),
            (format!("{MD5}  a\\nb"), Kind::Md5, Some("a\\nb"), None),
            (format!("MD5 (a) = b) = {MD5}"), Kind::Md5, Some("a) = b"), None),
            (format!("\\SHA1 (a\\nb) = {SHA1}"), Kind::Sha1, Some("a\nb"), None),
            (format!("SHA2-256(a)= {SHA256}"), Kind::Sha256, Some("a"), None),
            (format!("BLAKE3 (a) = {SHA256}"), Kind::Blake3, Some("a"), None),
            (format!("      1234  {MD5}  a"), Kind::Md5, Some("a"), Some(1234)),
            (format!("{MD5}  {SHA1}"), Kind::Md5, Some(SHA1), None),
            (MD5.to_owned(), Kind::Md5, None, None),
        ] {
            let row = one(&line);
            let entry = accepted(&row);
            assert_eq!((kinds(entry), entry.name.as_deref(), entry.size), (vec![kind], name, size), "{line}");
            assert!(entry.dropped.is_empty(), "{line}");
        }
    }

    #[test]
    fn what_is_no_usable_hash_is_rejected_with_its_reason() {
        for (line, reason) in [
            ("hello world!".to_owned(), Reason::NoHash),
            ("deadbeef  a".to_owned(), Reason::NoHash),
            (format!("{SHA512}  a"), Reason::UnsupportedKind),
            (format!("SHA512 (a) = {SHA512}"), Reason::UnsupportedKind),
            (format!("SHA3-256 (a) = {SHA256}"), Reason::UnsupportedKind),
            (format!("{}  a", &MD5[1..]), Reason::BadLength),
            (format!("MD5 (a) = {SHA1}"), Reason::BadLength),
            (format!("g{}  a", &MD5[1..]), Reason::BadCharacter),
            (format!("{EMPTY}  a"), Reason::EmptyFileHash),
        ] {
            assert_eq!(refused(&one(&line)), reason, "{line}");
        }
        let row = one(&format!("\\{MD5}  a\\x"));
        assert_eq!(dropped(accepted(&row)), [("name", Reason::BadType)], "an escape that is none");
        assert_eq!(read(format!("{MD5}  a\n# comment\n\n{SHA1}  b\n"), Format::Sums).len(), 2);
    }

    #[test]
    fn b3sum_prints_nothing_but_blake3() {
        let options = ReadOptions { format: Some(Format::B3sum), ..ReadOptions::default() };
        let text = format!("{SHA256}  a\n{MD5}  b\n{SHA512}  c\nMD5 (d) = {MD5}\n{SHA256}\n");
        let rows = read_with(text.as_bytes(), &options).rows;
        assert_eq!(kinds(accepted(&rows[0])), [Kind::Blake3]);
        assert_eq!((refused(&rows[1]), refused(&rows[2])), (Reason::BadLength, Reason::UnsupportedKind));
        assert_eq!(kinds(accepted(&rows[3])), [Kind::Md5], "the line says so");
        assert_eq!(kinds(accepted(&rows[4])), [Kind::Blake3]);
    }
}

mod hashkeeper {
    use super::*;

    const HSH: &str = "\"file_id\",\"hashset_id\",\"file_name\",\"directory\",\"hash\",\"file_size\"\n";
    const HKE: &str = "\"hashset_id\",\"name\",\"vendor\",\"package\",\"version\"\r\n1,\"One\",\"v\",\"p\",\"1.0\"\r\n2,\"Two\",,,\r\n";

    #[test]
    fn the_version_is_that_of_the_one_set() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("list.hsh");
        let options = ReadOptions { path: Some(path), ..ReadOptions::default() };
        let of_sets = |sets: &[u8]| {
            let row = |set: &u8| format!("9,{set},\"a\",,\"{MD5}\",3\n");
            let text = format!("{HSH}{}", sets.iter().map(row).collect::<String>());
            read_with(text.as_bytes(), &options)
        };
        assert_eq!(of_sets(&[1]).version, None, "no .hke");
        fs::write(folder.path().join("LIST.HKE"), HKE).unwrap();
        assert_eq!(of_sets(&[1, 1]).version.as_deref(), Some("One, 1.0"));
        assert_eq!(of_sets(&[2]).version.as_deref(), Some("Two"));
        assert_eq!(of_sets(&[1, 2]).version, None);
        assert_eq!(of_sets(&[3]).version, None);
        assert_eq!(accepted(&of_sets(&[1]).rows[0]).name.as_deref(), Some("a"));
        fs::write(folder.path().join("list.hke"), "\"x").unwrap();
        let error = refusal(HSH, &options).to_string();
        assert!(error.contains(".hke beside it"), "{error}");
    }
}

mod ilook {
    use super::*;

    #[test]
    fn version_1_says_what_its_hash_is() {
        let row = |hash: &str, kind: &str| format!("{hash},{kind},set,a.jpg,\\,3\n");
        let text = format!(
            "V1Hash,HashType,SetDescription,FileName,FilePath,FileSize\n{}{}{}{}{}{}",
            row(MD5, "MD5"),
            row(SHA1, "SHA-1"),
            row(SHA1, ""),
            row(MD5, "SHA1"),
            row(MD5, "7"),
            row(MD5, "md5"),
        );
        let rows = read(text, Format::Ilook);
        assert_eq!(kinds(accepted(&rows[0])), [Kind::Md5]);
        assert_eq!(kinds(accepted(&rows[1])), [Kind::Sha1]);
        assert_eq!(kinds(accepted(&rows[2])), [Kind::Sha1]);
        assert_eq!((refused(&rows[3]), refused(&rows[4])), (Reason::BadLength, Reason::UnsupportedKind));
        assert_eq!(accepted(&rows[5]).name.as_deref(), Some("a.jpg"));
    }

    #[test]
    fn kinds_that_are_not_matched_are_told_when_they_are_there() {
        let head = "V3Hash,HashSHA1,FileName,FilePath,FileSize,HashSHA256,HashSHA384,HashSHA512\n";
        let rows =
            read(format!("{head}{MD5},,a,\\,3,{SHA256},,{SHA512}\n,,a,\\,3,,,{SHA512}\n"), Format::Ilook);
        assert_eq!(kinds(accepted(&rows[0])), [Kind::Md5, Kind::Sha256]);
        assert_eq!(dropped(accepted(&rows[0])), [("HashSHA512", Reason::UnsupportedKind)]);
        assert_eq!(refused(&rows[1]), Reason::UnsupportedKind);
    }
}

mod encase_files {
    use super::*;

    fn ending(file: &[u8]) -> (usize, Option<Error>) {
        let read = read_with(file, &ReadOptions::default());
        (read.rows.len(), read.ending)
    }

    #[test]
    fn the_count_is_held_against_the_length() {
        let empty =
            [0xd4, 0x1d, 0x8c, 0xd9, 0x8f, 0x00, 0xb2, 0x04, 0xe9, 0x80, 0x09, 0x98, 0xec, 0xf8, 0x42, 0x7e];
        let mut file = encase(&[[1; 16], empty, [2; 16]], "na\u{ef}ve");
        let whole = read_with(&file, &ReadOptions::default());
        assert!(whole.ending.is_none());
        assert_eq!(whole.version.as_deref(), Some("na\u{ef}ve"));
        assert_eq!(accepted(&whole.rows[2]).position, Position::Byte(1152 + 36));
        assert_eq!(refused(&whole.rows[1]), Reason::EmptyFileHash);
        for len in 1152..file.len() {
            let (rows, error) = ending(&file[..len]);
            assert_eq!(rows, (len - 1152) / 18);
            assert!(error.is_some_and(|error| error.is_truncated()), "{len}");
        }
        assert!(refusal(&file[..1151], &ReadOptions::default()).is_truncated());
        file.extend([0; 5000]);
        assert!(matches!(ending(&file), (3, None)), "zeros at the end are no hashes");
        file.push(1);
        assert!(matches!(ending(&file), (3, Some(Error::Malformed { position: Position::Byte(6206), .. }))));
    }
}

mod icse {
    use super::*;

    #[test]
    fn flags_short_rows_and_photodna() {
        let photodna = format!("{}==", "QUJD".repeat(48)).replace("==", "");
        let text = format!(
            "Baseline;extra;MD5;photodna;Image ID;Victim identified;Series name\n\
             Y;x;{MD5};{photodna};7;Yes;night\nFALSE;x;{MD5}\nlater;;;{photodna}\n;;{MD5};;8\n\
             y;;;;9;n;s\ny;;{MD5};;9;n;s;more\n;;{MD5};AAAA;1\n"
        );
        let rows = read(text, Format::Icse);
        let first = accepted(&rows[0]);
        let label = Label {
            scheme: "interpol-baseline".into(),
            code: "yes".into(),
            series: "night".into(),
            victim_identified: "Yes".into(),
            ..Label::default()
        };
        assert_eq!(
            (first.label.as_deref(), first.name.as_deref(), first.categorised),
            (Some(&label), Some("7"), true)
        );
        assert!(first.photodna.is_some());
        let code = |row| accepted(row).label.as_ref().map(|label| label.code.as_str());
        assert_eq!(code(&rows[1]), Some("no"));
        assert_eq!(code(&rows[2]), Some("later"));
        assert!(accepted(&rows[2]).hashes.is_empty() && accepted(&rows[2]).photodna.is_some());
        assert_eq!((code(&rows[3]), accepted(&rows[3]).categorised), (Some(""), true));
        assert_eq!(accepted(&rows[3]).label.as_ref().unwrap().scheme, "interpol-baseline");
        assert_eq!((refused(&rows[4]), refused(&rows[5])), (Reason::NoHash, Reason::WrongColumns));
        assert_eq!(dropped(accepted(&rows[6])), [("PhotoDNA", Reason::BadLength)]);
    }

    #[test]
    fn a_flag_that_is_not_utf8_rejects_its_row() {
        let text = [b"MD5;Image ID;Baseline\n", MD5.as_bytes(), b";7;y\xff\n"].concat();
        assert_eq!(refused(&read(text, Format::Icse)[0]), Reason::NotUtf8);
    }

    #[test]
    fn without_the_column_nothing_is_classified() {
        let rows = read(format!("MD5;Image ID;Series name\n{MD5};7;s\n"), Format::Icse);
        let entry = accepted(&rows[0]);
        assert!(!entry.categorised);
        assert_eq!(entry.label, Some(Arc::new(Label { series: "s".into(), ..Label::default() })));
    }
}

mod mapped {
    use super::*;
    use lykta_list::{MappingError, propose};

    fn options(mapping: &str) -> ReadOptions {
        ReadOptions { mapping: Some(mapping.parse().unwrap()), ..ReadOptions::default() }
    }

    fn entry(mapping: &str, text: &str) -> Entry {
        let read = read_with(text.as_bytes(), &options(mapping));
        assert_eq!(read.format, Format::Mapped);
        accepted(&read.rows[0]).clone()
    }

    #[test]
    fn columns_are_found_by_name_case_and_number() {
        for (mapping, text) in [
            ("md5=Hash,path=Name", format!("Name,Hash\na,{MD5}\n")),
            ("md5=hash,path=NAME", format!("Name;Hash\na;{MD5}\n")),
            ("md5=hash,path=Name", format!("Name\tHASH\thash\na\tx\t{MD5}\n")),
            ("md5=#2,path=#1", format!("a|{MD5}\n")),
            ("md5=#2,path=#1,header=yes", format!("a|b\na|{MD5}\n")),
            ("md5=\"Hash, hex\",path=\"a\"\"b\"", format!("\"a\"\"b\";\"Hash, hex\"\na;{MD5}\n")),
            ("md5=H,path=P,separator=:", format!("P:H\na:{MD5}\n")),
        ] {
            let entry = entry(mapping, &text);
            assert_eq!((kinds(&entry), entry.name.as_deref()), (vec![Kind::Md5], Some("a")), "{mapping}");
            assert!(!entry.categorised && entry.label.is_none());
        }
        assert_eq!(kinds(&entry("sha1=Hash", &format!("Hash\n{SHA1}\n"))), [Kind::Sha1]);
    }

    #[test]
    fn labels_come_from_cells_and_constants() {
        let mapping = "md5=h,label_code=c,label_scheme:=\"IWF\",victim_identified=v,series:=s";
        let entry = entry(mapping, &format!("h,c,v\n{MD5},A,no\n"));
        let label = entry.label.unwrap();
        assert_eq!((label.scheme.as_str(), label.code.as_str(), label.series.as_str()), ("IWF", "A", "s"));
        assert_eq!((label.victim_identified.as_str(), entry.categorised), ("no", true));
        let bare = super::mapped::entry("md5=h,label_code=c,label_scheme:=own", &format!("h,c\n{MD5},\n"));
        let uncategorised = Label { scheme: "own".into(), ..Label::default() };
        assert_eq!((bare.label.as_deref(), bare.categorised), (Some(&uncategorised), true));
        let bare = super::mapped::entry("md5=h,label_scheme:=own", &format!("h,c\n{MD5},\n"));
        assert!(bare.label.is_none() && !bare.categorised, "without codes a scheme alone is no label");
    }

    #[test]
    fn codes_that_are_not_utf8_reject_their_row() {
        let options = options("md5=h,label_code=c,label_scheme=s,series=n");
        let row = |cells: &[u8]| {
            let text = [b"h,c,s,n\n", MD5.as_bytes(), cells].concat();
            read_with(&text, &options).rows.remove(0)
        };
        for cells in [&b",1\xff,s,n"[..], b",1,\xff,n", b",\xe9,,"] {
            assert_eq!(refused(&row(cells)), Reason::NotUtf8);
        }
        assert_eq!(dropped(accepted(&row(b",1,s,\xff"))), [("series", Reason::NotUtf8)]);
    }

    #[test]
    fn a_pdq_is_held_against_its_quality() {
        let pdq = SHA256;
        let text = format!("p,q,m\n{pdq},0,{MD5}\n{pdq},50,\n{pdq},x,\n{pdq},0,\n{},9,\n", "0".repeat(64));
        let rows = read_with(text.as_bytes(), &options("pdq=p,pdq_quality=q,md5=m")).rows;
        assert_eq!(kinds(accepted(&rows[0])), [Kind::Md5]);
        assert_eq!(dropped(accepted(&rows[0])), [("pdq", Reason::ZeroQuality)]);
        assert_eq!((kinds(accepted(&rows[1])), accepted(&rows[1]).pdq_quality), (vec![Kind::Pdq], Some(50)));
        assert_eq!(dropped(accepted(&rows[2])), [("pdq_quality", Reason::BadNumber)]);
        assert_eq!((refused(&rows[3]), refused(&rows[4])), (Reason::ZeroQuality, Reason::BlankPdq));
    }

    #[test]
    fn encodings_are_read() {
        let base32 = "Q336IN72UWT7ZYK5DXOLT2XK5I3XMZ5Y";
        assert_eq!(
            entry("sha1/base32=h", &format!("h\n{base32}\n")).hashes[0].to_string(),
            format!("sha1:{SHA1}")
        );
        let base64 = "DMF1ucDxtqgxw5niaXcmYQ==";
        assert_eq!(
            entry("md5/base64=h", &format!("h\n{base64}\n")).hashes[0].to_string(),
            format!("md5:{MD5}")
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        let mistake = |text: &str| text.parse::<Mapping>().unwrap_err();
        assert!(matches!(mistake("md5=a,colour=b"), MappingError::Target { name } if name == "colour"));
        assert!(matches!(mistake("decision=b"), MappingError::Target { .. }));
        assert!(matches!(mistake("md5"), MappingError::Part { .. }));
        assert!(matches!(mistake(""), MappingError::Part { .. }));
        assert!(matches!(mistake("md5=a,md5=b"), MappingError::Twice { name: "md5" }));
        assert!(matches!(mistake("series=a,series:=b,md5=c"), MappingError::Twice { name: "series" }));
        assert!(matches!(mistake("size/base32=a"), MappingError::Encoding { .. }));
        assert!(matches!(mistake("md5/hexa=a"), MappingError::Encoding { .. }));
        assert!(matches!(mistake("md5:=a"), MappingError::Constant { name: "md5" }));
        assert!(matches!(mistake("md5=#0"), MappingError::Source { .. }));
        assert!(matches!(mistake("md5="), MappingError::Source { .. }));
        assert!(matches!(mistake("md5=a,separator=x"), MappingError::Separator { .. }));
        assert!(matches!(mistake("md5=a,header=maybe"), MappingError::Header { .. }));
        assert!(matches!(mistake("md5=a,header=no"), MappingError::NameWithoutHeader { name: "md5" }));
        assert!(matches!(mistake("size=a"), MappingError::NoHash));
        assert!(matches!(mistake("md5=\"a"), MappingError::OpenQuote));
        for toml in ["", "x = 1\n[columns]\nmd5 = \"a\"", "[columns]\nmd5 = -1", "[columns"] {
            assert!(matches!(Mapping::from_toml(toml), Err(MappingError::Profile { .. })), "{toml}");
        }
        let file = |mapping: &str, text: &str| refusal(text, &options(mapping)).to_string();
        let error = file("md5=Hash", "Name;Digest\n");
        assert!(error.contains("\"Hash\"") && error.contains("[\"Name\", \"Digest\"]"), "{error}");
        let error = file("md5=a", "A;b\u{7c}x,A\n");
        assert!(error.contains("separator=") || error.contains("no column"), "{error}");
        let error = file("md5=#1,path=#2", "a;b,c\n");
        assert!(error.contains("comma or semicolon"), "{error}");
        assert!(file("md5=#9", "a,b\n").contains("no column 9"));
        assert!(file("md5=hash", "Hash,HASH\n").contains("several columns"));
        let none = ReadOptions { format: Some(Format::Mapped), ..ReadOptions::default() };
        assert!(refusal("md5\n", &none).to_string().contains("give a mapping"));
    }

    #[test]
    fn a_griffeye_export_is_proposed_sensibly() {
        let text = format!(
            "Binary Copies,Category,DB: Local,Directory Path,File Name,File Size,File Type,Identified,MD5,PhotoDNA,Series Name,SHA-1,SHA-256,SHA-512,Tags\n\
             1,\"Non-pertinent\",-1,\"C:\\a, b\",a.jpg,12,jpg,No,{},,,{},{},{SHA512},\n",
            MD5.to_uppercase(),
            SHA1.to_uppercase(),
            SHA256.to_uppercase()
        );
        let proposal = propose(text.as_bytes()).unwrap();
        assert_eq!(
            proposal.mapping.to_string(),
            "md5=MD5,photodna=PhotoDNA,sha1=SHA-1,sha256=SHA-256,label_code=Category,path=File Name,\
             size=File Size,series=Series Name,separator=comma,header=yes"
        );
        let [used @ .., unused] = &proposal.reasons[..] else { panic!("no reasons") };
        assert_eq!(used.len(), 9, "{used:?}");
        let left_out =
            "not mapped: Binary Copies, DB: Local, Directory Path, File Type, Identified, SHA-512, Tags";
        assert!(unused.starts_with(left_out), "{unused}");
        let options = ReadOptions { mapping: Some(proposal.mapping), ..ReadOptions::default() };
        let read = read_with(text.as_bytes(), &options);
        assert_eq!(kinds(accepted(&read.rows[0])), [Kind::Md5, Kind::Sha1, Kind::Sha256]);
    }

    #[test]
    fn hashes_are_proposed_by_what_cells_hold() {
        let proposed = |text: &str| propose(text.as_bytes()).map(|proposal| proposal.mapping.to_string());
        let text = format!("a;{MD5};{SHA1}\nb;{MD5};{SHA1}\n");
        assert_eq!(proposed(&text).as_deref(), Some("md5=#2,sha1=#3,separator=semicolon,header=no"));
        let text = format!("SHA1,Digest\nQ336IN72UWT7ZYK5DXOLT2XK5I3XMZ5Y,{SHA256}\n");
        assert_eq!(
            proposed(&text).as_deref(),
            Some("sha1/base32=SHA1,sha256=Digest,separator=comma,header=yes")
        );
        assert_eq!(
            proposed(&format!("MD5,Hash\nnone,{MD5}\n")).as_deref(),
            Some("md5=Hash,separator=comma,header=yes")
        );
        let text = format!("Note,Digest\n\"two\nlines, here\",{SHA1}\n\"cut in");
        assert_eq!(proposed(&text).as_deref(), Some("sha1=Digest,separator=comma,header=yes"));
        assert_eq!(
            proposed(&format!("x;y\n1;{MD5}")).as_deref(),
            Some("md5=y,separator=semicolon,header=yes")
        );
        for nothing in ["", "a,b\nc,d\n", "<html>\n<body>\n", "a,b\nc\n"] {
            assert_eq!(proposed(nothing), None, "{nothing}");
        }
    }
}
