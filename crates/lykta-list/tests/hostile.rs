//! Input made to exhaust, confuse or mislead a reader.

use std::io::{self, Read};

use lykta_list::{Error, Format, MAX_RECORD, ReadOptions, Reader, Reason, Row};

const MD5: &str = "0cc175b9c0f1b6a831c399e269772661";

fn ending(input: impl Read) -> (Vec<Row>, Option<Error>) {
    let mut rows = Vec::new();
    match Reader::new(input, &ReadOptions::default()) {
        Err(error) => (rows, Some(error)),
        Ok(reader) => {
            let mut ending = None;
            for row in reader {
                match row {
                    Ok(row) => rows.push(row),
                    Err(error) => assert!(ending.replace(error).is_none(), "rows after an error"),
                }
            }
            (rows, ending)
        }
    }
}

/// Counts what is taken from an input without end.
struct Endless<'a>(&'a mut u64, u8);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        buffer.fill(self.1);
        *self.0 += buffer.len() as u64;
        Ok(buffer.len())
    }
}

#[test]
fn a_row_without_end_takes_bounded_memory() {
    for (start, line) in [("", 1), ("md5\n", 2), ("md5,path\n\"", 2), ("md5\n\n\n\"", 4)] {
        let mut taken = 0;
        let (rows, error) = ending(start.as_bytes().chain(Endless(&mut taken, b'a')));
        assert!(rows.is_empty());
        assert!(matches!(error, Some(Error::TooLong { line: l }) if l == line), "{start:?}: {error:?}");
        assert!(taken < 2 * MAX_RECORD as u64, "{taken} bytes taken");
    }
}

#[test]
fn a_quoted_cell_of_endless_lines_takes_bounded_memory() {
    let mut taken = 0;
    let (_, error) = ending(b"md5,path\n\"".chain(Endless(&mut taken, b'\n')));
    assert!(matches!(error, Some(Error::TooLong { line: 2 })), "{error:?}");
    assert!(taken < 2 * MAX_RECORD as u64, "{taken} bytes taken");
}

#[test]
fn the_longest_row_just_fits() {
    let row = |path: usize| format!("md5,path\n{MD5},{}\n", "p".repeat(path));
    let room = MAX_RECORD - MD5.len() - 2;
    let (rows, error) = ending(row(room).as_bytes());
    assert!(matches!(&rows[..], [Row::Accepted(_)]) && error.is_none(), "{error:?}");
    let (rows, error) = ending(row(room + 1).as_bytes());
    assert!(rows.is_empty() && matches!(error, Some(Error::TooLong { line: 2 })));
}

#[test]
fn what_is_not_text_is_refused_with_its_place() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let at = |bytes: &[u8]| match ending(bytes) {
        (_, Some(Error::Binary { line, offset })) => (line, offset),
        other => panic!("{other:?}"),
    };
    assert_eq!(at(&utf16("md5\n")), (1, 1), "without a byte order mark nothing is guessed");
    assert_eq!(at(b"BZh9\0\0"), (1, 4), "a compression that is not read");
    assert_eq!(at(b"\xef\xbb\xbfmd\x00\n"), (1, 5), "the byte order mark counts");
    assert_eq!(at(b"\xef\xbb\xbfmd5\nab\0c\n"), (2, 9));
    assert_eq!(at(b"md5,path\n\"\n\n\0\"\n"), (4, 12));
}

#[test]
fn rows_before_an_error_are_handed_out() {
    let text = format!("md5\n{MD5}\nshort\n\"{MD5}");
    let (rows, error) = ending(text.as_bytes());
    assert!(matches!(&rows[..], [Row::Accepted(_), Row::Rejected(r)] if r.reason == Reason::BadLength));
    assert!(matches!(error, Some(Error::OpenQuote { line: 4 })));
}

#[test]
fn a_failing_disk_is_an_error_with_its_line() {
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken"))
        }
    }
    let text = format!("md5\n{MD5}\n{MD5}");
    let (rows, error) = ending(text.as_bytes().chain(Broken));
    assert_eq!(rows.len(), 1, "the second may have been cut short");
    assert!(matches!(error, Some(Error::Io { line: 3, .. })), "{error:?}");
}

/// Old spreadsheets end lines with CR alone. Read as one line such a list would be one bad row.
#[test]
fn lines_that_end_with_cr_alone_are_refused() {
    let (rows, error) = ending(format!("md5\r{MD5}\r{MD5}\r").as_bytes());
    assert!(rows.is_empty() && matches!(error, Some(Error::FirstLine { line: 1 })), "{error:?}");
}

#[test]
fn names_cannot_speak_for_the_program() {
    let (_, error) = ending(format!("md5,\x1b[2J{}\n", "x".repeat(5000)).as_bytes());
    let message = error.unwrap().to_string();
    assert!(!message.contains('\x1b') && message.len() < 400, "{message}");
}

/// Whatever the format, the message says that the list was cut and what can be done.
#[test]
fn a_stream_that_ends_too_early_is_a_list_that_does() {
    struct Cut;
    impl Read for Cut {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }
    let ncmec = "<queryResult xmlns=\"https://hashsharing.ncmec.org/hashsharing/v2\">\n<images>";
    let sql = "-- a delta\n".to_owned();
    for (start, format) in [
        (format!("md5\n{MD5}\n"), None),
        (format!("{{\"value\":[\n{{\"MD5\":\"{MD5}\"}},\n"), None),
        (ncmec.to_owned(), None),
        (sql, Some(Format::NsrlSql)),
        ("HASH\r\n".to_owned(), Some(Format::EnCase)),
        ("SQLite format 3\0".to_owned(), Some(Format::NsrlSqlite)),
    ] {
        let options = ReadOptions { format, ..ReadOptions::default() };
        let error = match Reader::new(start.as_bytes().chain(Cut), &options) {
            Ok(reader) => reader.filter_map(Result::err).last(),
            Err(error) => Some(error),
        };
        let message = error.as_ref().map(ToString::to_string).unwrap_or_default();
        assert!(matches!(error, Some(Error::Truncated { .. })), "{start}: {message}");
        assert!(message.contains("ends too early") && message.contains("--keep-partial"), "{message}");
    }
    let open = Error::OpenQuote { line: 3 };
    assert!(open.is_truncated() && open.to_string().contains("--keep-partial"));
}
