//! Mail, and web pages saved as MHTML: the leaves of the tree that a message's parts are.
//!
//! ```text
//! lines --boundary of a level--> part --headers--> another level, or a leaf --transfer coding undone--> each
//! ```
//!
//! One pass over the lines with a bounded stack; mail-parser reads the few header fields that matter, and is given no
//! more than those. Its own reader of bodies would take recursion for each message in a message, and turns texts into
//! other bytes.

#[cfg(test)]
mod tests;

use std::io::{self, Read};
use std::ops::{ControlFlow, Range};

use mail_parser::{Header, HeaderName, HeaderValue, MessageParser, MimeHeaders};

use super::{Container, ContainerError, Content, Input, Member, MemberSkip, Meter, hold};

/// Multiparts in one another that are looked into.
const MOST_LEVELS: usize = 64;
/// Bytes of the header fields that matter, of one part.
const MOST_FIELDS: usize = 16 << 10;
/// Bytes of a boundary; 70 are allowed.
const MOST_BOUNDARY: usize = 1024;

/// A message by its beginning: lines of header fields, three of them well known and one that only mail has.
pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    is_mail(head, 3).then_some(Container::Mail)
}

/// Whether a message begins so, with at least so many well-known fields.
pub(super) fn is_mail(head: &[u8], least: usize) -> bool {
    const ONLY_MAIL: [&[u8]; 10] = [
        b"from",
        b"received",
        b"return-path",
        b"message-id",
        b"mime-version",
        b"delivered-to",
        b"subject",
        b"dkim-signature",
        b"x-mailer",
        b"newsgroups",
    ];
    const ALSO_MAIL: [&[u8]; 9] = [
        b"to",
        b"cc",
        b"date",
        b"reply-to",
        b"sender",
        b"content-type",
        b"content-transfer-encoding",
        b"x-priority",
        b"references",
    ];
    let (mut only, mut also) = (0u32, 0u32);
    let mut lines = head.split(|byte| *byte == b'\n').peekable();
    let mut is_first = true;
    while let Some(line) = lines.next() {
        // The last may be cut anywhere.
        let is_end = matches!(line, [] | [b'\r']) || lines.peek().is_none();
        if is_end {
            break;
        }
        if matches!(line, [b' ' | b'\t', ..]) && !is_first {
            continue;
        }
        is_first = false;
        let Some(name) = field_name(line) else { return false };
        let mark = |names: &[&[u8]], seen: &mut u32| {
            if let Some(k) = names.iter().position(|known| name.eq_ignore_ascii_case(known)) {
                *seen |= 1 << k;
            }
        };
        mark(&ONLY_MAIL, &mut only);
        mark(&ALSO_MAIL, &mut also);
    }
    only != 0 && (only.count_ones() + also.count_ones()) as usize >= least
}

/// The name of a header field, if the line is one.
fn field_name(line: &[u8]) -> Option<&[u8]> {
    let name = line[..memchr::memchr(b':', line)?].trim_ascii_end();
    let is_name = !name.is_empty() && name.len() <= 128 && name.iter().all(|byte| (33..=126).contains(byte));
    is_name.then_some(name)
}

pub(super) fn members(
    input: Input<'_>,
    meter: &Meter,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let held;
    let bytes = match input {
        Input::Whole(bytes) => bytes,
        input => {
            held = hold(&mut input.into_stream()?, meter.limits())?;
            &held
        }
    };
    let mut walk = Walk { bytes, each, levels: Vec::new(), count: 0 };
    let _ = walk.run();
    Ok(())
}

/// A multipart that is open.
struct Level {
    /// With the two hyphens.
    boundary: Vec<u8>,
    /// Its parts are messages when they do not say what they are.
    is_digest: bool,
}

struct Walk<'w> {
    bytes: &'w [u8],
    each: &'w mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
    levels: Vec<Level>,
    /// Leaves so far.
    count: usize,
}

/// A leaf of the tree.
struct Leaf<'l> {
    part: &'l Part,
    /// Where its headers begin.
    offset: usize,
    body: Range<usize>,
    is_cut: bool,
    /// It has parts that are not looked for: it lies in too many others.
    is_too_deep: bool,
}

impl Walk<'_> {
    fn run(&mut self) -> ControlFlow<()> {
        // Where the next part begins, if one does.
        let mut next = Some(0);
        while let Some(offset) = next {
            let (fields, body) = self.head(offset);
            let is_message = self.levels.last().is_some_and(|level| level.is_digest);
            let part = Part::new(&fields, is_message);
            if let Some(boundary) = &part.boundary
                && self.levels.len() < MOST_LEVELS
            {
                self.levels.push(Level { boundary: boundary.clone(), is_digest: part.is_digest });
                let depth = self.levels.len();
                let (end, after) = self.end(body);
                if after.is_none() || self.levels.len() != depth {
                    // Its boundary is not there: nothing is to be lost.
                    let body = body..end.max(body);
                    self.leaf(&Leaf { part: &part, offset, body, is_cut: false, is_too_deep: false })?;
                }
                // Otherwise the text before the first part is for readers that know no parts.
                next = after;
                continue;
            }
            // Asked now: the end of this part may be that of all it lies in.
            let is_too_deep = part.boundary.is_some();
            let (end, after) = self.end(body);
            let is_cut = after.is_none() && end == self.bytes.len() && !self.levels.is_empty();
            self.leaf(&Leaf { part: &part, offset, body: body..end.max(body), is_cut, is_too_deep })?;
            next = after;
        }
        ControlFlow::Continue(())
    }

    /// The fields that matter of the part at `offset`, and where its body begins.
    fn head(&self, offset: usize) -> (Vec<u8>, usize) {
        let mut fields = Vec::new();
        let mut at = offset;
        let mut matters = false;
        loop {
            let line = line(self.bytes, at);
            let text = line.strip_suffix(b"\n").unwrap_or(line);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if text.is_empty() {
                at += line.len();
                break;
            }
            let goes_on = matches!(text, [b' ' | b'\t', ..]) && at > offset;
            if !goes_on {
                // A separator of mboxes at the beginning of one that was taken out.
                let is_separator = at == 0 && text.starts_with(b"From ");
                let name = field_name(text);
                if name.is_none() && !is_separator || self.level_of(text).is_some() {
                    break;
                }
                matters =
                    name.is_some_and(|name| FIELDS.iter().any(|field| name.eq_ignore_ascii_case(field)));
            }
            if matters && fields.len() + text.len() <= MOST_FIELDS {
                fields.extend_from_slice(text);
                fields.extend_from_slice(b"\r\n");
            }
            at += line.len();
        }
        fields.extend_from_slice(b"\r\n");
        (fields, at)
    }

    /// Where the body at `at` ends, before the line end that belongs to the boundary, and where the next part begins;
    /// levels that end are closed.
    fn end(&mut self, mut at: usize) -> (usize, Option<usize>) {
        let start = at;
        let mut end = None;
        if self.levels.is_empty() {
            return (self.bytes.len(), None);
        }
        while at < self.bytes.len() {
            // Only lines that begin with two hyphens can be boundaries.
            let rest = &self.bytes[at..];
            if !rest.starts_with(b"--") {
                match memchr::memmem::find(rest, b"\n--") {
                    Some(next) => at += next + 1,
                    None => break,
                }
            }
            let line = line(self.bytes, at);
            if let Some((level, is_last)) = self.level_of(line) {
                let before = &self.bytes[start..at];
                let before = before.strip_suffix(b"\n").unwrap_or(before);
                let before = before.strip_suffix(b"\r").unwrap_or(before);
                end = end.or(Some(start + before.len()));
                self.levels.truncate(level + usize::from(!is_last));
                at += line.len();
                if !is_last {
                    return (end.unwrap_or(start), Some(at));
                }
                if self.levels.is_empty() {
                    return (end.unwrap_or(start), None);
                }
                continue;
            }
            at += line.len();
        }
        (end.unwrap_or(self.bytes.len()), None)
    }

    /// The level that a line is a boundary of, and whether it is the last.
    fn level_of(&self, line: &[u8]) -> Option<(usize, bool)> {
        if !line.starts_with(b"--") {
            return None;
        }
        self.levels.iter().enumerate().rev().find_map(|(k, level)| {
            let rest = line.strip_prefix(&level.boundary[..])?.trim_ascii_end();
            match rest {
                b"" => Some((k, false)),
                b"--" => Some((k, true)),
                _ => None,
            }
        })
    }

    fn leaf(&mut self, leaf: &Leaf<'_>) -> ControlFlow<()> {
        let Leaf { part, offset, body, is_cut, is_too_deep } = leaf;
        self.count += 1;
        let bytes = &self.bytes[body.clone()];
        let name = part.name.clone().unwrap_or_else(|| format!("part {}.{}", self.count, part.ending));
        let known = part.is_message.then_some(Container::Mail);
        let offset = Some(*offset as u64);
        let mut hand_over = |content: Content<'_>| {
            let name = name.clone().into_bytes();
            (self.each)(Member { name, offset, capture: None, known, content })
        };
        let is_text = part.coding == Coding::None && !part.is_message;
        if part.is_encrypted || is_text && bytes.trim_ascii_start().starts_with(PGP) {
            return hand_over(Content::Skipped(MemberSkip::Encrypted, bytes.len() as u64));
        }
        if part.is_partial {
            let of = "a message in several parts".to_owned();
            return hand_over(Content::Skipped(MemberSkip::Elsewhere(of), bytes.len() as u64));
        }
        if *is_too_deep {
            let what = format!("more than {MOST_LEVELS} multiparts in one another");
            return hand_over(Content::Failed(ContainerError::Unsupported(what)));
        }
        let len = (part.coding == Coding::None).then_some(bytes.len() as u64);
        let mut body = Body { coding: part.coding, bytes, ready: Vec::new(), at: 0, is_cut: *is_cut };
        hand_over(Content::Bytes(&mut body, len))?;
        if is_text { self.uuencoded(body_range(self.bytes, bytes)) } else { ControlFlow::Continue(()) }
    }

    /// Files inside a text, between `begin 644 name` and `end`.
    fn uuencoded(&mut self, body: Range<usize>) -> ControlFlow<()> {
        let mut at = body.start;
        while at < body.end {
            let begin = line(&self.bytes[..body.end], at);
            let offset = at;
            at += begin.len();
            let Some(name) = begin_of_file(begin) else { continue };
            let mut out = Vec::new();
            let mut is_ended = false;
            while at < body.end && !is_ended {
                let line = line(&self.bytes[..body.end], at);
                if line.trim_ascii_end() == b"end" {
                    is_ended = true;
                } else if !uudecode(line.trim_ascii_end(), &mut out) {
                    break;
                }
                at += line.len();
            }
            if out.is_empty() {
                continue;
            }
            let len = out.len() as u64;
            let mut body =
                Body { coding: Coding::None, bytes: &out, ready: Vec::new(), at: 0, is_cut: !is_ended };
            let content = Content::Bytes(&mut body, Some(len));
            let (name, offset) = (name.to_vec(), Some(offset as u64));
            (self.each)(Member { name, offset, capture: None, known: None, content })?;
        }
        ControlFlow::Continue(())
    }
}

const PGP: &[u8] = b"-----BEGIN PGP MESSAGE-----";

/// Where in `bytes` a part of it is.
fn body_range(bytes: &[u8], part: &[u8]) -> Range<usize> {
    let start = part.as_ptr() as usize - bytes.as_ptr() as usize;
    start..start + part.len()
}

/// The name in a line `begin 644 name`.
fn begin_of_file(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(b"begin ")?.trim_ascii_end();
    let space = memchr::memchr(b' ', rest)?;
    let (mode, name) = (&rest[..space], rest[space..].trim_ascii_start());
    let is_mode = matches!(mode.len(), 3 | 4) && mode.iter().all(|byte| (b'0'..=b'7').contains(byte));
    (is_mode && !name.is_empty()).then_some(name)
}

/// Adds what a line says: its length, and groups of four characters. False if it is none.
fn uudecode(line: &[u8], out: &mut Vec<u8>) -> bool {
    let bits = |byte: u8| byte.wrapping_sub(32) & 63;
    let Some((&len, line)) = line.split_first() else { return true };
    if !(32..=96).contains(&len) {
        return false;
    }
    let len = usize::from(bits(len));
    // Spaces at the end may have been lost.
    if line.len() > len.div_ceil(3) * 4 + 1 || line.iter().any(|byte| !(32..=96).contains(byte)) {
        return false;
    }
    let start = out.len();
    for group in line.chunks(4) {
        let at = |k: usize| group.get(k).map_or(0, |byte| bits(*byte));
        out.extend([at(0) << 2 | at(1) >> 4, at(1) << 4 | at(2) >> 2, at(2) << 6 | at(3)]);
    }
    out.resize(start + len, 0);
    true
}

const FIELDS: [&[u8]; 4] =
    [b"content-type", b"content-disposition", b"content-transfer-encoding", b"content-location"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    None,
    Base64,
    QuotedPrintable,
}

/// What the headers say of a part.
struct Part {
    name: Option<String>,
    ending: String,
    coding: Coding,
    /// Of a multipart, with the two hyphens.
    boundary: Option<Vec<u8>>,
    is_digest: bool,
    is_message: bool,
    is_partial: bool,
    is_encrypted: bool,
}

impl Part {
    fn new(fields: &[u8], is_message: bool) -> Self {
        let ending = if is_message { "rfc822" } else { "plain" }.to_owned();
        let mut part = Self {
            name: None,
            ending,
            coding: Coding::None,
            boundary: None,
            is_digest: false,
            is_message,
            is_partial: false,
            is_encrypted: false,
        };
        let Some(message) = MessageParser::default().parse_headers(fields) else { return part };
        let Some(root) = message.parts.first() else { return part };
        let text = |name: HeaderName<'_>| {
            let header = root.headers.iter().find(|header: &&Header<'_>| header.name == name)?;
            match &header.value {
                HeaderValue::Text(text) => Some(text.to_string()),
                HeaderValue::TextList(list) => list.first().map(ToString::to_string),
                _ => None,
            }
        };
        let coding = text(HeaderName::ContentTransferEncoding).unwrap_or_default();
        part.coding = match coding.trim() {
            coding if coding.eq_ignore_ascii_case("base64") => Coding::Base64,
            coding if coding.eq_ignore_ascii_case("quoted-printable") => Coding::QuotedPrintable,
            _ => Coding::None,
        };
        let location = || text(HeaderName::ContentLocation);
        part.name =
            root.attachment_name().map(str::to_owned).or_else(location).filter(|name| !name.is_empty());
        let Some(content) = root.content_type() else { return part };
        let subtype = content.subtype().unwrap_or_default();
        let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        if (1..=40).contains(&subtype.len()) && subtype.bytes().all(|byte| is_plain(&byte)) {
            part.ending = subtype.to_ascii_lowercase();
        }
        let is = |kind: &str, other: &str| {
            content.ctype().eq_ignore_ascii_case(kind) && subtype.eq_ignore_ascii_case(other)
        };
        part.is_message = is("message", "rfc822") || is("message", "global") || is("message", "news");
        part.is_partial = is("message", "partial");
        part.is_digest = is("multipart", "digest");
        let is_enveloped = || {
            content.attribute("smime-type").is_some_and(|kind| {
                ["enveloped-data", "authenveloped-data"].iter().any(|name| kind.eq_ignore_ascii_case(name))
            })
        };
        let is_pkcs7 = is("application", "pkcs7-mime") || is("application", "x-pkcs7-mime");
        part.is_encrypted = is("multipart", "encrypted") || is_pkcs7 && is_enveloped();
        if content.ctype().eq_ignore_ascii_case("multipart") && !part.is_encrypted {
            let boundary = content.attribute("boundary").map(str::trim_end).filter(|text| !text.is_empty());
            let boundary = boundary.filter(|text| text.len() <= MOST_BOUNDARY);
            part.boundary = boundary.map(|text| [b"--", text.as_bytes()].concat());
        }
        part
    }
}

/// The line at `at`, with its line end.
fn line(bytes: &[u8], at: usize) -> &[u8] {
    let rest = &bytes[at.min(bytes.len())..];
    &rest[..memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1)]
}

/// The content of a leaf, its transfer coding undone. Whatever is none of the coding is passed over, as the standard
/// asks for in base64, or taken as it is.
struct Body<'b> {
    coding: Coding,
    /// What is to be decoded.
    bytes: &'b [u8],
    ready: Vec<u8>,
    at: usize,
    is_cut: bool,
}

impl Body<'_> {
    /// Encoded bytes that are decoded at a time.
    const STEP: usize = 16 << 10;

    fn base64(&mut self) {
        let mut group = 0u32;
        let mut count = 0;
        let mut taken = 0;
        let mut at = 0;
        while at < self.bytes.len() {
            let byte = self.bytes[at];
            at += 1;
            let value = BASE64[usize::from(byte)];
            if value < 64 {
                group = group << 6 | u32::from(value);
                count += 1;
                if count == 4 {
                    self.ready.extend(&group.to_be_bytes()[1..]);
                    (group, count, taken) = (0, 0, at);
                    if at >= Self::STEP {
                        break;
                    }
                }
            } else if byte == b'=' {
                // What is behind belongs to another that was put behind this one.
                flush(&mut self.ready, group, count);
                (group, count, taken) = (0, 0, at);
            } else if count == 0 {
                taken = at;
                if at >= Self::STEP {
                    break;
                }
            }
        }
        if at == self.bytes.len() {
            flush(&mut self.ready, group, count);
            taken = at;
        }
        self.bytes = &self.bytes[taken..];
    }

    fn quoted_printable(&mut self) {
        let mut at = 0;
        while at < self.bytes.len().min(Self::STEP) {
            let rest = &self.bytes[at..];
            let plain = memchr::memchr(b'=', rest).unwrap_or(rest.len());
            self.ready.extend_from_slice(&rest[..plain]);
            let hex = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
            let (len, byte) = match &rest[plain..] {
                [] => (0, None),
                [b'=', b'\r', b'\n', ..] => (3, None),
                [b'=', b'\n', ..] => (2, None),
                [b'=', a, b, ..] if hex(*a).is_some() && hex(*b).is_some() => {
                    (3, hex(*a).zip(hex(*b)).map(|(a, b)| a << 4 | b))
                }
                _ => (1, Some(b'=')),
            };
            self.ready.extend(byte);
            at += plain + len;
        }
        self.bytes = &self.bytes[at..];
    }
}

/// What an unfinished group of base64 holds.
fn flush(out: &mut Vec<u8>, group: u32, count: u32) {
    match count {
        2 => out.push((group >> 4) as u8),
        3 => out.extend(&(group >> 2).to_be_bytes()[2..]),
        _ => {}
    }
}

/// The value of each character of base64; 64 of others.
const BASE64: [u8; 256] = {
    let mut table = [64; 256];
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut k = 0;
    while k < 64 {
        table[alphabet[k] as usize] = k as u8;
        k += 1;
    }
    table
};

impl Read for Body<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.coding == Coding::None && !self.bytes.is_empty() {
            return self.bytes.read(buffer);
        }
        while self.at == self.ready.len() && !self.bytes.is_empty() {
            self.ready.clear();
            self.at = 0;
            match self.coding {
                Coding::QuotedPrintable => self.quoted_printable(),
                Coding::Base64 | Coding::None => self.base64(),
            }
        }
        let mut rest = &self.ready[self.at..];
        if rest.is_empty() && !buffer.is_empty() && std::mem::take(&mut self.is_cut) {
            return Err(ContainerError::CutShort.into());
        }
        let count = rest.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}
