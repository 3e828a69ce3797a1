//! The events of an XML document in bounded memory.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::error::Error;
use crate::format::Format;
use crate::lines::MAX_RECORD;
use crate::position::Position;

/// How deep elements may nest. An answer has nine levels.
const MAX_DEPTH: usize = 32;

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Events, one at a time, with the offsets where they begin.
pub(super) struct Events<'r> {
    reader: Reader<Bounded<BufReader<Box<dyn Read + 'r>>>>,
    buffer: Vec<u8>,
    /// Bytes before those that the reader counts.
    passed: u64,
    depth: usize,
    /// Where the next event begins.
    offset: u64,
    /// Whether an event of several may take up what is left of its room.
    in_record: bool,
}

impl<'r> Events<'r> {
    pub(super) fn new(mut input: Box<dyn Read + 'r>) -> Result<Self, Error> {
        // Taken off here: quick-xml would take it off too, and not count it.
        let mut mark = Vec::new();
        let read = input.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut mark);
        read.map_err(|source| Error::io(1, source))?;
        let passed = if mark == BYTE_ORDER_MARK { std::mem::take(&mut mark).len() as u64 } else { 0 };
        let input: Box<dyn Read + 'r> = Box::new(Cursor::new(mark).chain(input));
        let input =
            Bounded { input: BufReader::with_capacity(64 << 10, input), room: 0, ended: false, lines: 0 };
        let mut reader = Reader::from_reader(input);
        let config = reader.config_mut();
        config.check_comments = true;
        config.check_end_names = true;
        Ok(Self { reader, buffer: Vec::new(), passed, depth: 0, offset: passed, in_record: false })
    }

    /// Elements that are open.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// From here on all events up to [`Self::end_record`] together are at most [`MAX_RECORD`] bytes.
    pub(super) fn begin_record(&mut self) {
        self.in_record = true;
    }

    /// The record is over.
    pub(super) fn end_record(&mut self) {
        self.in_record = false;
    }

    /// The next event, and where it begins. An event is at most [`MAX_RECORD`] bytes.
    pub(super) fn next(&mut self) -> Result<(Event<'_>, u64), Error> {
        if !self.in_record {
            self.reader.get_mut().room = MAX_RECORD;
        }
        self.buffer.clear();
        self.offset = self.passed + self.reader.buffer_position();
        let event = match self.reader.read_event_into(&mut self.buffer) {
            Ok(event) => event,
            Err(error) => return Err(refused(&mut self.reader, self.offset, &error)),
        };
        let refuse = |detail: &str| {
            let position = Position::Byte(self.offset);
            Err(Error::Malformed { format: Format::Ncmec, position, detail: detail.to_owned() })
        };
        match &event {
            Event::DocType(_) => return refuse("it has a document type, which is not read"),
            Event::Decl(decl) => {
                let is_utf8 = match decl.encoding() {
                    Some(Ok(encoding)) => encoding.eq_ignore_ascii_case("utf-8"),
                    Some(Err(_)) => false,
                    None => true,
                };
                if !is_utf8 {
                    return refuse("it is not in UTF-8");
                }
            }
            Event::Start(_) if self.depth == MAX_DEPTH => return refuse("elements are nested too deeply"),
            Event::Start(_) => self.depth += 1,
            Event::End(_) => self.depth -= 1,
            Event::Eof if self.depth > 0 => {
                let detail = "a document of XML has no end".to_owned();
                return Err(Error::Truncated { position: Position::Byte(self.offset), detail });
            }
            _ => {}
        }
        Ok((event, self.offset))
    }

    /// Passes over what is left of the element that was opened last.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        let outside = self.depth - 1;
        while self.depth > outside {
            self.next()?;
        }
        Ok(())
    }

    /// The last event is not what the format asks for.
    pub(super) fn malformed(&self, detail: &str) -> Error {
        let position = Position::Byte(self.offset);
        Error::Malformed { format: Format::Ncmec, position, detail: detail.to_owned() }
    }

    /// The input has ended before there was an element.
    pub(super) fn without_root(&self) -> Error {
        let position = Position::Byte(self.offset);
        Error::Truncated { position, detail: "there is no element".to_owned() }
    }
}

/// The error for what quick-xml refuses: at the end of the input something is missing, elsewhere it is wrong.
fn refused<R: BufRead>(reader: &mut Reader<Bounded<R>>, offset: u64, error: &quick_xml::Error) -> Error {
    let input = reader.get_mut();
    let position = Position::Byte(offset);
    match error {
        quick_xml::Error::Io(_) if input.room == 0 => {
            let detail = format!("an entry or a text is longer than {MAX_RECORD} bytes");
            Error::Malformed { format: Format::Ncmec, position, detail }
        }
        quick_xml::Error::Io(source) => {
            let source = io::Error::new(source.kind(), source.to_string());
            Error::io(input.lines + 1, source)
        }
        _ if input.ended => {
            Error::Truncated { position, detail: "a document of XML ends within an element".to_owned() }
        }
        other => Error::Malformed { format: Format::Ncmec, position, detail: other.to_string() },
    }
}

/// The name of an element without its prefix.
pub(super) fn name(element: &BytesStart<'_>) -> String {
    element.local_name().as_ref().to_owned()
}

/// The value of an attribute, `None` when it is missing or cannot be read.
pub(super) fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let attribute = element.try_get_attribute(name).ok()??;
    attribute.normalized_value(quick_xml::XmlVersion::Explicit1_0).ok().map(|value| value.into_owned())
}

/// An input that gives out no more than there is room for.
struct Bounded<R> {
    input: R,
    room: usize,
    ended: bool,
    lines: u64,
}

impl<R: BufRead> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let taken = there.len().min(buffer.len());
        buffer[..taken].copy_from_slice(&there[..taken]);
        self.consume(taken);
        Ok(taken)
    }
}

impl<R: BufRead> BufRead for Bounded<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.room == 0 {
            return Err(io::Error::other("too long"));
        }
        let there = self.input.fill_buf()?;
        self.ended = there.is_empty();
        Ok(&there[..there.len().min(self.room)])
    }

    fn consume(&mut self, bytes: usize) {
        if let Ok(there) = self.input.fill_buf() {
            let taken = &there[..bytes.min(there.len())];
            self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
        }
        self.room -= bytes.min(self.room);
        self.input.consume(bytes);
    }
}
