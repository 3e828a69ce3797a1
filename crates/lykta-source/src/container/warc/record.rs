//! The head of a record: of WARC, lines of names and values; of ARC, one line.

use super::feed::{Fault, Feed, PEEK};

/// What a record is, by its head.
pub(super) struct Head {
    pub(super) kind: Vec<u8>,
    /// Bytes of its block.
    pub(super) len: u64,
    pub(super) target: Vec<u8>,
    pub(super) date: Vec<u8>,
    pub(super) ip: Vec<u8>,
    pub(super) payload_digest: Vec<u8>,
    pub(super) record_id: Vec<u8>,
    pub(super) refers_to: Vec<u8>,
    pub(super) is_segment: bool,
}

/// The head of the next record, or how many bytes are there that are none.
pub(super) enum Next {
    Head(Box<Head>),
    Other(u64),
    /// The end of the piece.
    Nothing,
}

/// Whether a WARC record begins with these bytes.
pub(super) fn begins_warc(bytes: &[u8]) -> bool {
    matches!(bytes, [b'W', b'A', b'R', b'C', b'/', b'0' | b'1', b'.', digit, ..] if digit.is_ascii_digit())
}

/// Whether an ARC record begins with these bytes.
pub(super) fn begins_arc(bytes: &[u8]) -> bool {
    memchr::memchr(b'\n', bytes).is_some_and(|end| arc_line(&bytes[..end]).is_some())
}

/// Takes the head of a WARC record, and what is passed over when there is none.
pub(super) fn warc(feed: &mut Feed<'_>) -> Result<Next, Fault> {
    skip_line_ends(feed)?;
    let bytes = feed.peek(8)?;
    if bytes.is_empty() {
        return Ok(Next::Nothing);
    }
    if !begins_warc(bytes) {
        return pass_over(feed, begins_warc, true);
    }
    let mut want = 1024;
    let (taken, head) = loop {
        let bytes = feed.peek(want)?;
        match lines(bytes) {
            Lines::Whole(len) => break (len, fields(&bytes[..len])),
            Lines::Broken(len) => break (len, None),
            Lines::Part if bytes.len() >= want && want < PEEK => {
                want = (bytes.len() + 1).clamp(want * 2, PEEK)
            }
            Lines::Part => break (bytes.len(), None),
        }
    };
    feed.consume(taken);
    match head {
        Some(head) => Ok(Next::Head(Box::new(head))),
        None => match pass_over(feed, begins_warc, false) {
            Ok(Next::Other(count)) => Ok(Next::Other(count + taken as u64)),
            Ok(_) => Ok(Next::Other(taken as u64)),
            Err(fault) => {
                feed.put_back(fault);
                Ok(Next::Other(taken as u64))
            }
        },
    }
}

/// The same of an ARC record.
pub(super) fn arc(feed: &mut Feed<'_>) -> Result<Next, Fault> {
    skip_line_ends(feed)?;
    let mut want = 512;
    loop {
        let bytes = feed.peek(want)?;
        if bytes.is_empty() {
            return Ok(Next::Nothing);
        }
        if let Some(end) = memchr::memchr(b'\n', bytes) {
            let head = arc_line(&bytes[..end]);
            let Some(head) = head else { return pass_over(feed, begins_arc, true) };
            feed.consume(end + 1);
            return Ok(Next::Head(Box::new(head)));
        }
        if bytes.len() < want || want == PEEK {
            return pass_over(feed, begins_arc, true);
        }
        want = (bytes.len() + 1).clamp(want * 2, PEEK);
    }
}

fn skip_line_ends(feed: &mut Feed<'_>) -> Result<(), Fault> {
    while let count @ 1.. = feed.peek(1)?.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count() {
        feed.consume(count);
    }
    Ok(())
}

/// Passes over all up to the next line that a record begins with, in this piece; the next line may be known to be
/// none.
fn pass_over(feed: &mut Feed<'_>, begins: fn(&[u8]) -> bool, mut is_known: bool) -> Result<Next, Fault> {
    let mut count = 0;
    loop {
        let bytes = match feed.peek(PEEK) {
            Ok(bytes) => bytes,
            // What was passed over is told first, and the fault by the next call.
            Err(fault) if count == 0 => return Err(fault),
            Err(fault) => {
                feed.put_back(fault);
                return Ok(Next::Other(count));
            }
        };
        if bytes.is_empty() {
            return Ok(Next::Other(count));
        }
        let line = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
        if !std::mem::take(&mut is_known) && begins(bytes) {
            return Ok(Next::Other(count));
        }
        feed.consume(line);
        count += line as u64;
    }
}

enum Lines {
    /// This many bytes, with the empty line.
    Whole(usize),
    /// Another record begins behind this many.
    Broken(usize),
    Part,
}

/// The lines of a head up to the empty one.
fn lines(bytes: &[u8]) -> Lines {
    let mut at = 0;
    while let Some(len) = memchr::memchr(b'\n', &bytes[at..]) {
        let line = &bytes[at..at + len];
        if matches!(line, [] | [b'\r']) {
            return Lines::Whole(at + len + 1);
        }
        if at > 0 && begins_warc(line) {
            return Lines::Broken(at);
        }
        at += len + 1;
    }
    Lines::Part
}

fn fields(head: &[u8]) -> Option<Head> {
    let mut kind = None;
    let mut len = None;
    let mut texts: [Option<Vec<u8>>; 8] = Default::default();
    let mut is_segment = false;
    let mut is_refused = false;
    fields_of(head, &mut |name, value| {
        let is = |other: &str| name.eq_ignore_ascii_case(other.as_bytes());
        let text = || value.to_vec();
        if is("content-length") {
            // Two that differ: the block ends nobody knows where.
            let value = number(value);
            is_refused |= value.is_none() || len.is_some() && len != value;
            len = value;
        } else if is("warc-type") {
            kind.get_or_insert_with(|| value.to_ascii_lowercase());
        } else if is("warc-segment-number") {
            is_segment = true;
        } else if let Some(k) = TEXTS.iter().position(|text| is(text)) {
            texts[k].get_or_insert_with(text);
        }
    });
    if is_refused {
        return None;
    }
    let [target, date, ip, payload_digest, record_id, refers_uri, refers_date, refers_id] =
        texts.map(Option::unwrap_or_default);
    let refers_to = if refers_uri.is_empty() {
        refers_id
    } else {
        [bare(&refers_uri), b" of ", &refers_date[..]][..if refers_date.is_empty() { 1 } else { 3 }].concat()
    };
    let target = bare(&target).to_vec();
    let kind = kind.unwrap_or_default();
    Some(Head { kind, len: len?, target, date, ip, payload_digest, record_id, refers_to, is_segment })
}

const TEXTS: [&str; 8] = [
    "warc-target-uri",
    "warc-date",
    "warc-ip-address",
    "warc-payload-digest",
    "warc-record-id",
    "warc-refers-to-target-uri",
    "warc-refers-to-date",
    "warc-refers-to",
];

/// Each name and value of the lines behind the first. A value that goes on in further lines is joined by spaces.
pub(super) fn fields_of(head: &[u8], each: &mut dyn FnMut(&[u8], &[u8])) {
    let mut lines = head.split(|byte| *byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        let Some(colon) = memchr::memchr(b':', line) else { continue };
        let name = line[..colon].trim_ascii();
        let value = line[colon + 1..].trim_ascii();
        let mut joined = Vec::new();
        while let Some(more) =
            lines.next_if(|line| matches!(line, [b' ' | b'\t', rest @ ..] if !rest.trim_ascii().is_empty()))
        {
            if joined.is_empty() {
                joined.extend_from_slice(value);
            }
            joined.push(b' ');
            joined.extend_from_slice(more.trim_ascii());
        }
        each(name, if joined.is_empty() { value } else { &joined });
    }
}

/// An address without the angle brackets that some crawlers put around it.
fn bare(uri: &[u8]) -> &[u8] {
    uri.strip_prefix(b"<").and_then(|uri| uri.strip_suffix(b">")).unwrap_or(uri)
}

pub(super) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// `address IP date type length`, and in version 2 more before the length. Addresses may have spaces in them, and
/// so may types.
fn arc_line(line: &[u8]) -> Option<Head> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let mut words: Vec<(usize, &[u8])> = Vec::new();
    let mut at = 0;
    for word in line.split(|byte| *byte == b' ') {
        words.push((at, word));
        at += word.len() + 1;
    }
    let len = number(words.last()?.1)?;
    let is_date = |word: &[u8]| (12..=18).contains(&word.len()) && word.iter().all(u8::is_ascii_digit);
    let is_ip = |word: &[u8]| {
        !word.is_empty() && word.iter().all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b'.' | b':'))
    };
    // From the right, and not farther than the fields of version 2 with some spaces in the type.
    let date =
        (2..words.len() - 1).rev().take(16).find(|k| is_date(words[*k].1) && is_ip(words[*k - 1].1))?;
    let target = line[..words[date - 1].0].trim_ascii_end();
    let scheme = memchr::memchr(b':', target)?;
    if scheme == 0
        || !target[..scheme].iter().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(byte))
    {
        return None;
    }
    let is_file = target.starts_with(b"filedesc:");
    Some(Head {
        kind: if is_file { b"warcinfo".to_vec() } else { b"response".to_vec() },
        len,
        target: target.to_vec(),
        date: words[date].1.to_vec(),
        ip: words[date - 1].1.to_vec(),
        payload_digest: Vec::new(),
        record_id: Vec::new(),
        refers_to: Vec::new(),
        is_segment: false,
    })
}
