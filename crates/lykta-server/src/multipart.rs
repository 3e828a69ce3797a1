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
pub(crate) fn boundary(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let (kind, parameters) = value.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (!boundary.is_empty() && boundary.len() <= LONGEST_BOUNDARY).then_some(boundary)
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
        if let Some(field) = file_field(&body[at..headers_end]) {
            files.push(File { field, bytes: body.slice(begin.min(end)..end) });
        }
        at = end + delimiter.len();
    }
    Err("the multipart body has too many parts")
}

/// The name of the field, if it has a file name.
fn file_field(headers: &[u8]) -> Option<String> {
    let headers = std::str::from_utf8(headers).ok()?;
    let line = headers.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    })?;
    let (kind, parameters) = line.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let is_file = parameter(parameters, "filename").or_else(|| parameter(parameters, "filename*"));
    is_file.and_then(|_| parameter(parameters, "name"))
}

/// The value of a parameter: `a=b; c="d e"`.
fn parameter(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text.trim_start_matches([';', ' ', '\t']);
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
                (value, &quoted[end..])
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        rest = after.trim_start_matches([';', ' ', '\t']);
    }
    None
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
    fn whatever_is_cut_or_wrong_is_an_error_and_no_panic() {
        let body = part("name=\"photo\"; filename=\"a\"", "content") + "--XX--";
        assert_eq!(read(&body).unwrap().len(), 1);
        for end in 0..body.len() {
            let cut = read(&body[..end]);
            assert!(cut.is_err() || body[..end].ends_with("--"), "{end}: {cut:?}");
        }
        assert!(read(&part("name=a; filename=b", "x").repeat(MOST_PARTS + 1)).is_err());
        assert!(read("--XX\r\n\r\n\r\n--XX--").is_ok_and(|files| files.is_empty()));
        assert!(read("--XX\r\n\r\n--XX--").is_ok_and(|files| files.is_empty()));
    }

    #[test]
    fn a_boundary_is_read_as_clients_write_it() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            boundary(&headers)
        };
        assert_eq!(of("multipart/form-data; boundary=abc").as_deref(), Some("abc"));
        assert_eq!(of("Multipart/Form-Data; charset=utf-8; boundary=\"a b\"").as_deref(), Some("a b"));
        assert_eq!(of("multipart/form-data; boundary="), None);
        assert_eq!(of("multipart/mixed; boundary=abc"), None);
        assert_eq!(of("image/jpeg"), None);
        assert_eq!(of("multipart/form-data; boundary=\"abc"), None);
    }
}
