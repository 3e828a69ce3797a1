//! The files in a body of multipart/form-data that is in memory.
//!
//! Strict, and without copies: what is between two delimiters is a part of the body.

use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// Bytes of the headers of a part.
const MOST_HEADERS: usize = 4096;

/// Parts of a body.
const MOST_PARTS: usize = 64;

/// Longest boundary that RFC 2046 allows.
const LONGEST_BOUNDARY: usize = 70;

/// A field with a file name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct File {
    /// The name of the field.
    pub(crate) field: String,
    pub(crate) bytes: Bytes,
}

/// The boundary, if these are the headers of multipart/form-data.
///
/// # Errors
/// When they are those of a body in parts that cannot be taken apart, or cannot be read: such a body is not the file.
pub(crate) fn boundary(headers: &HeaderMap) -> Result<Option<String>, &'static str> {
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let Some(first) = values.next() else { return Ok(None) };
    let (Ok(line), None) = (first.to_str(), values.next()) else {
        return Err("the Content-Type cannot be read: send one, in ASCII");
    };
    let (kind, rest) = line.split_once(';').unwrap_or((line, ""));
    let kind = kind.trim().to_ascii_lowercase();
    if !kind.starts_with("multipart/") {
        return Ok(None);
    }
    let read = parameters(rest).filter(|_| kind == "multipart/form-data").unwrap_or_default();
    match value(&read, "boundary") {
        Some(boundary) if (1..=LONGEST_BOUNDARY).contains(&boundary.len()) => Ok(Some(boundary.to_owned())),
        _ => Err(
            "a body in parts must be multipart/form-data with a boundary of 1 to 70 letters: let the client library \
                  set the Content-Type",
        ),
    }
}

/// All fields that have a file name.
///
/// # Errors
/// What is wrong with the body, in a sentence.
pub(crate) fn files(body: &Bytes, boundary: &str) -> Result<Vec<File>, &'static str> {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    let first = &delimiter[2..];
    let mut at = match body.starts_with(first) {
        true => first.len(),
        false => find(body, &delimiter, 0).ok_or("the multipart body has no part")? + delimiter.len(),
    };
    let mut files = Vec::new();
    for _ in 0..MOST_PARTS {
        let rest = body.get(at..).unwrap_or_default();
        if rest.starts_with(b"--") {
            return Ok(files);
        }
        // Blanks may follow a delimiter.
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !rest[blanks..].starts_with(b"\r\n") {
            return Err("the multipart body is cut short or malformed");
        }
        at += blanks;
        let headers_end = match rest[blanks..].starts_with(b"\r\n\r\n") {
            true => at,
            false => find(body, b"\r\n\r\n", at).ok_or("the multipart body is cut short or malformed")?,
        };
        if headers_end - at > MOST_HEADERS {
            return Err("a part of the multipart body has too many headers");
        }
        let begin = headers_end + 4;
        // A part without content ends with the line end of its headers.
        let end = find(body, &delimiter, begin.saturating_sub(2)).ok_or("the multipart body is cut short")?;
        if let Some(field) = file_field(&body[at..headers_end])? {
            files.push(File { field, bytes: body.slice(begin.min(end)..end) });
        }
        at = end + delimiter.len();
    }
    Err("the multipart body has too many parts")
}

/// The name of the field, if it has a file name.
///
/// # Errors
/// When the headers of the part cannot be read, or its content is not the file as it is: it would be passed over, or
/// taken for the file.
fn file_field(headers: &[u8]) -> Result<Option<String>, &'static str> {
    // Names may be in any encoding, and are not needed.
    let headers = String::from_utf8_lossy(headers);
    let header = |wanted: &str| {
        let mut lines = headers.split("\r\n").filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
    };
    let unread = "a part of the multipart body has no Content-Disposition of form-data with a name";
    let (kind, rest) = header("content-disposition").and_then(|line| line.split_once(';')).ok_or(unread)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(unread);
    }
    let read = parameters(rest).ok_or(unread)?;
    let field = value(&read, "name").ok_or(unread)?.to_owned();
    let is_file = ["filename", "filename*"].iter().any(|name| value(&read, name).is_some());
    let is_as_it_is = |name: &str| {
        header(name).is_none_or(|value| {
            ["7bit", "8bit", "binary", "identity"].iter().any(|plain| value.eq_ignore_ascii_case(plain))
        })
    };
    if !is_as_it_is("content-transfer-encoding") || !is_as_it_is("content-encoding") {
        return Err("a part of the multipart body is encoded: send its bytes as they are");
    }
    Ok(is_file.then_some(field))
}

/// Parameters with their values: `a=b; c="d e"`. None where that is not all there is.
fn parameters(text: &str) -> Option<Vec<(&str, String)>> {
    let mut parameters = Vec::new();
    let blanks = [' ', '\t'];
    let mut rest = text.trim_matches(blanks);
    while !rest.is_empty() {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut letters = quoted.char_indices();
                let end = loop {
                    match letters.next()? {
                        (at, '"') => break at + 1,
                        (_, '\\') => value.push(letters.next()?.1),
                        (_, letter) => value.push(letter),
                    }
                };
                (value, quoted[end..].trim_start_matches(blanks))
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        parameters.push((name.trim(), value));
        rest = match after.strip_prefix(';') {
            Some(after) => after.trim_start_matches(blanks),
            None if after.is_empty() => after,
            None => return None,
        };
    }
    Some(parameters)
}

/// The value of one of them.
fn value<'p>(parameters: &'p [(&str, String)], wanted: &str) -> Option<&'p str> {
    let found = parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    found.map(|(_, value)| value.as_str())
}

/// Where `what` is next.
fn find(bytes: &[u8], what: &[u8], from: usize) -> Option<usize> {
    memchr::memmem::find(bytes.get(from..)?, what).map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Vec<File>, &'static str> {
        files(&Bytes::copy_from_slice(body.as_bytes()), "XX")
    }

    fn part(disposition: &str, content: &str) -> String {
        format!(
            "--XX\r\nContent-Disposition: form-data; {disposition}\r\nContent-Type: image/jpeg\r\n\r\n{content}\r\n"
        )
    }

    #[test]
    fn files_are_told_from_other_fields() {
        let body = [
            part("name=\"note\"", "not a file"),
            part("name=\"photo\"; filename=\"a \\\" ;b.jpg\"", "one\r\n--X\r\n"),
            part("filename=x; name=video", ""),
            "--XX--\r\n".into(),
        ]
        .concat();
        let found = read(&body).unwrap();
        let found: Vec<_> = found.iter().map(|file| (file.field.as_str(), &file.bytes[..])).collect();
        assert_eq!(found, [("photo", &b"one\r\n--X\r\n"[..]), ("video", b"")]);
        assert_eq!(read(&format!("preamble\r\n{body}")).unwrap().len(), 2);
    }

    #[test]
    fn an_encoded_part_is_refused() {
        let encoded = |line: &str| {
            read(&format!(
                "--XX\r\nContent-Disposition: form-data; name=a; filename=b\r\n{line}\r\n\r\nYWJj\r\n--XX--"
            ))
        };
        assert_eq!(encoded("Content-Transfer-Encoding: binary").unwrap().len(), 1);
        for line in [
            "Content-Transfer-Encoding: base64",
            "content-transfer-encoding:BASE64",
            "Content-Encoding: gzip",
        ] {
            assert!(encoded(line).is_err(), "{line}");
        }
        let latin =
            b"--XX\r\nContent-Disposition: form-data; name=a; filename=\"\xe5.jpg\"\r\n\r\nx\r\n--XX--";
        assert_eq!(files(&Bytes::from_static(latin), "XX").unwrap().len(), 1);
    }

    #[test]
    fn whatever_is_cut_or_wrong_is_an_error_and_no_panic() {
        let body = part("name=\"photo\"; filename=\"a\"", "content") + "--XX--";
        assert_eq!(read(&body).unwrap().len(), 1);
        for end in 0..body.len() {
            let cut = read(&body[..end]);
            assert!(cut.is_err() || body[..end].ends_with("--"), "{end}: {cut:?}");
        }
        assert!(read(&part("name=a; filename=b", "x").repeat(MOST_PARTS + 1)).is_err());
        // A part that says nothing of itself may be a file that would be passed over.
        assert!(read("--XX\r\n\r\n\r\n--XX--").is_err());
        assert!(read("--XX\r\n\r\n--XX--").is_err());
        let good = part("name=\"photo\"; filename=\"a\"", "content");
        for bad in ["filename=\"b\"", "name=\"x; filename=\"b\"", "nothing"] {
            assert!(read(&format!("{good}{}--XX--", part(bad, "other"))).is_err(), "{bad}");
        }
        assert!(read("--XX--").is_ok_and(|files| files.is_empty()));
    }

    #[test]
    fn a_boundary_is_read_as_clients_write_it() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            boundary(&headers)
        };
        assert_eq!(of("multipart/form-data; boundary=abc").unwrap().as_deref(), Some("abc"));
        assert_eq!(
            of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").unwrap().as_deref(),
            Some("a b")
        );
        assert_eq!(of("image/jpeg"), Ok(None));
        // A body in parts is not the file, whatever else it is.
        for wrong in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"abc",
            "multipart/form-data; boundary=\u{e5}",
            "multipart/mixed; boundary=abc",
            "Multipart/Related",
        ] {
            assert!(of(wrong).is_err(), "{wrong}");
        }
        let mut two = HeaderMap::new();
        two.append(CONTENT_TYPE, "image/jpeg".parse().unwrap());
        two.append(CONTENT_TYPE, "multipart/form-data; boundary=abc".parse().unwrap());
        assert!(boundary(&two).is_err());
    }
}
