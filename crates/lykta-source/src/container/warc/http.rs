//! The body of an HTTP message as it was stored: without its head, chunks and compression.
//!
//! Crawlers store what came over the wire, or what they made of it, and leave the head as it was. So a head says what
//! may be around the body, and the body itself whether it is.

use std::io::{self, BufRead, BufReader, Read};

use super::super::ContainerError;
use super::super::inflate::{self, Inflate, MAGIC, Wrapping, damaged};
use super::block::Block;
use super::record::fields_of;

/// Codings that are undone, of a body.
const MOST_CODINGS: usize = 4;
/// Bytes by which it is told whether a body is compressed at all.
const PROBE: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Chunked,
    Gzip,
    Deflate,
    Brotli,
}

/// What a head says is around the body.
#[derive(Default)]
pub(super) struct Message {
    /// The innermost first.
    codings: Vec<Coding>,
}

impl Message {
    /// Takes the head of a message, if there is one.
    pub(super) fn take_head(block: &mut Block<'_, '_>) -> Self {
        let mut message = Self::default();
        if !block.peek(5).starts_with(b"HTTP/") && !block.is_request {
            return message;
        }
        let Some(len) = head_len(block) else { return message };
        let (mut transfer, mut content) = (Vec::new(), Vec::new());
        fields_of(&block.peek(len)[..len], &mut |name, value| {
            let codings = match name {
                _ if name.eq_ignore_ascii_case(b"transfer-encoding") => &mut transfer,
                _ if name.eq_ignore_ascii_case(b"content-encoding") => &mut content,
                _ => return,
            };
            for word in value.split(|byte| *byte == b',') {
                let word = word.trim_ascii().to_ascii_lowercase();
                codings.extend(match &word[..] {
                    b"chunked" => Some(Coding::Chunked),
                    b"gzip" | b"x-gzip" => Some(Coding::Gzip),
                    b"deflate" => Some(Coding::Deflate),
                    b"br" => Some(Coding::Brotli),
                    _ => None,
                });
            }
        });
        block.consume(len);
        content.append(&mut transfer);
        message.codings = content;
        message
    }

    /// What is around the body, and is undone by [`Message::body`]; none if it is stored as it is.
    pub(super) fn is_coded(&self) -> bool {
        !self.codings.is_empty()
    }

    /// Reads the body without what is around it.
    pub(super) fn body<'b>(&self, block: &'b mut Block<'_, '_>) -> Box<dyn Read + 'b> {
        let mut body: Box<dyn BufRead + 'b> = Box::new(BufReader::with_capacity(PROBE, block));
        for coding in self.codings.iter().rev().take(MOST_CODINGS) {
            let ahead = Ahead::new(body);
            let found = coding.found(&ahead.bytes);
            let coded = BufReader::with_capacity(PROBE, ahead);
            body = match found {
                Some(Unpack::Chunked) => Box::new(BufReader::with_capacity(PROBE, Chunks::new(coded))),
                Some(Unpack::Inflate(wrapping)) => {
                    Box::new(BufReader::with_capacity(PROBE, Inflate::new(coded, wrapping)))
                }
                Some(Unpack::Brotli) => {
                    let body = brotli_decompressor::Decompressor::new(coded, PROBE);
                    Box::new(BufReader::with_capacity(PROBE, body))
                }
                None => Box::new(coded),
            };
        }
        Box::new(body)
    }
}

enum Unpack {
    Chunked,
    Inflate(Wrapping),
    Brotli,
}

impl Coding {
    /// How the body is compressed that begins so, if at all.
    fn found(self, head: &[u8]) -> Option<Unpack> {
        match self {
            Self::Chunked => is_chunk(head).then_some(Unpack::Chunked),
            Self::Gzip => head.starts_with(&MAGIC).then_some(Unpack::Inflate(Wrapping::Gzip)),
            Self::Deflate => match head {
                // Meant to be zlib, and sent without by some servers.
                [a, b, ..] if a & 15 == 8 && u16::from_be_bytes([*a, *b]) % 31 == 0 => {
                    Some(Unpack::Inflate(Wrapping::Zlib))
                }
                _ => inflate::is_deflate(head).then_some(Unpack::Inflate(Wrapping::None)),
            },
            // The extension of large windows, up to 1 GiB of memory, which HTTP does not know.
            Self::Brotli if head.first().is_some_and(|byte| byte & 0x7f == 0x11) => None,
            Self::Brotli => {
                let trial = brotli_decompressor::Decompressor::new(head, PROBE);
                let mut trial = trial.take(8 * PROBE as u64);
                let result = io::copy(&mut trial, &mut io::sink());
                let is_other = result.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData);
                (!is_other && !head.is_empty()).then_some(Unpack::Brotli)
            }
        }
    }
}

/// Whether a body begins with a line that is the size of a chunk.
fn is_chunk(head: &[u8]) -> bool {
    let line = &head[..memchr::memchr(b'\n', head).unwrap_or(0)];
    chunk_size(line).is_some()
}

/// The size that a line says, without its line feed.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii();
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()
}

/// Bytes of the head with the empty line, if it ends in time.
pub(super) fn head_len(block: &mut Block<'_, '_>) -> Option<usize> {
    let mut want = 1024;
    loop {
        let bytes = block.peek(want);
        let mut at = 0;
        while let Some(len) = memchr::memchr(b'\n', &bytes[at..]) {
            at += len + 1;
            match &bytes[at..] {
                [b'\n', ..] => return Some(at + 1),
                [b'\r', b'\n', ..] => return Some(at + 2),
                _ => {}
            }
        }
        if bytes.len() < want {
            // Nothing but a head.
            let len = bytes.len();
            return (block.left() == len as u64).then_some(len);
        }
        if want == super::feed::PEEK {
            return None;
        }
        want = (bytes.len() + 1).clamp(want * 2, super::feed::PEEK);
    }
}

/// A reader whose first bytes were looked at.
struct Ahead<R> {
    bytes: Vec<u8>,
    at: usize,
    /// What ended the looking, to be told behind the bytes.
    error: Option<io::Error>,
    rest: R,
}

impl<R: Read> Ahead<R> {
    fn new(mut rest: R) -> Self {
        let mut bytes = Vec::with_capacity(PROBE);
        let error = (&mut rest).take(PROBE as u64).read_to_end(&mut bytes).err();
        Self { bytes, at: 0, error, rest }
    }
}

impl<R: Read> Read for Ahead<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at < self.bytes.len() {
            let count = (&self.bytes[self.at..]).read(buffer)?;
            self.at += count;
            return Ok(count);
        }
        match self.error.take() {
            Some(error) => Err(error),
            None => self.rest.read(buffer),
        }
    }
}

/// A chunked body.
struct Chunks<R> {
    source: R,
    state: ChunkState,
}

#[derive(PartialEq, Eq)]
enum ChunkState {
    Size,
    /// Bytes to come of this chunk.
    Inside(u64),
    Ended,
}

impl<R: BufRead> Chunks<R> {
    fn new(source: R) -> Self {
        Self { source, state: ChunkState::Size }
    }

    /// The size of the next chunk, behind the line end of the one before.
    fn size(&mut self) -> io::Result<u64> {
        const MOST: u64 = 1024;
        let mut line = Vec::new();
        for _ in 0..2 {
            line.clear();
            (&mut self.source).take(MOST).read_until(b'\n', &mut line)?;
            if !line.trim_ascii().is_empty() {
                break;
            }
        }
        match line.strip_suffix(b"\n").and_then(chunk_size) {
            Some(size) => Ok(size),
            None if line.len() < MOST as usize && !line.ends_with(b"\n") => {
                Err(ContainerError::CutShort.into())
            }
            None => Err(damaged("a chunk of an HTTP body").into()),
        }
    }
}

impl<R: BufRead> Read for Chunks<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match &mut self.state {
                ChunkState::Ended => return Ok(0),
                ChunkState::Size | ChunkState::Inside(0) => {
                    self.state = ChunkState::Ended;
                    match self.size()? {
                        // What follows is no content.
                        0 => return Ok(0),
                        size => self.state = ChunkState::Inside(size),
                    }
                }
                ChunkState::Inside(left) => {
                    let most = usize::try_from(*left).unwrap_or(usize::MAX).min(buffer.len());
                    let count = self.source.read(&mut buffer[..most])?;
                    *left -= count as u64;
                    if count == 0 && most > 0 {
                        self.state = ChunkState::Ended;
                        return Err(ContainerError::CutShort.into());
                    }
                    return Ok(count);
                }
            }
        }
    }
}
