//! From the bytes of a list to what its format reads: unpacked, as UTF-8, the start looked at.

mod unpack;
mod utf16;
mod zip;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::format::Format;
use crate::formats::mapped::Mapping;

/// Bytes of the start that are looked at to recognise a format.
const HEAD: usize = 64 << 10;

/// How to read a list.
#[derive(Clone, Debug, Default)]
pub struct ReadOptions {
    /// The format, when it should not be recognised by content.
    pub format: Option<Format>,
    /// What the columns of a CSV file are. With one, the list is read as [`Format::Mapped`].
    pub mapping: Option<Mapping>,
    /// The file that the input is of, when it is one: a database or a zip archive is opened there instead of
    /// being copied, and files that belong to it are looked for beside it.
    pub path: Option<PathBuf>,
    /// Where temporary files may be made; the system's folder for them when not given.
    pub folder: Option<PathBuf>,
}

/// A list to be read, from its first byte, unpacked and in UTF-8 when it is text.
pub(crate) struct Input<'r> {
    /// The bytes.
    pub(crate) stream: Box<dyn Read + 'r>,
    /// What was asked for.
    pub(crate) options: ReadOptions,
    /// Whether `options.path` has other bytes than the stream, because it is compressed.
    pub(crate) is_unpacked: bool,
}

/// The start of a list: up to 64 KiB.
pub(crate) struct Head<'h> {
    pub(crate) bytes: &'h [u8],
}

impl<'h> Head<'h> {
    /// The bytes without a byte order mark and the white space before the first character.
    pub(crate) fn text(&self) -> &'h [u8] {
        self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes).trim_ascii_start()
    }

    /// The lines that are there whole, without their ends; the last one of a short list too.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &'h [u8]> {
        let bytes = self.bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.bytes);
        let whole = match bytes.iter().rposition(|byte| *byte == b'\n') {
            Some(last) if self.bytes.len() == HEAD => &bytes[..last],
            _ => bytes,
        };
        whole.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// The first line that is not blank; empty when there is none.
    pub(crate) fn first_line(&self) -> &'h [u8] {
        self.lines().find(|line| !line.trim_ascii().is_empty()).unwrap_or_default()
    }
}

impl<'r> Input<'r> {
    /// Looks at the start of `stream`, unpacks it when it is compressed, and makes it UTF-8 when it is UTF-16.
    /// Returns the start too.
    pub(crate) fn new(stream: impl Read + 'r, options: ReadOptions) -> Result<(Self, Vec<u8>), Error> {
        let stream = Peeked::new(Box::new(stream));
        let (stream, is_unpacked) = unpack::unpack(stream, &options)?;
        let stream = if utf16::is_meant(&stream.head) { Peeked::new(utf16::to_utf8(stream)) } else { stream };
        let head = stream.head.clone();
        Ok((Self { stream: stream.whole(), options, is_unpacked }, head))
    }
}

/// A stream of which the start has been read.
struct Peeked<'r> {
    head: Vec<u8>,
    /// What ended the reading of the start, to be told after it.
    error: Option<io::Error>,
    rest: Box<dyn Read + 'r>,
}

impl<'r> Peeked<'r> {
    fn new(mut stream: Box<dyn Read + 'r>) -> Self {
        let mut head = Vec::new();
        let error = stream.by_ref().take(HEAD as u64).read_to_end(&mut head).err();
        Self { head, error, rest: stream }
    }

    /// The stream from its first byte.
    fn whole(self) -> Box<dyn Read + 'r> {
        Box::new(Cursor::new(self.head).chain(Failing(self.error)).chain(self.rest))
    }
}

/// Fails once, with the error that there is: what was read before it is given all the same.
pub(crate) struct Failing(pub(crate) Option<io::Error>);

impl Read for Failing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Copies a stream into a temporary file that nobody else sees, and goes back to its start.
fn spool(mut stream: impl Read, folder: Option<&Path>) -> io::Result<File> {
    let mut file = match folder {
        Some(folder) => tempfile::tempfile_in(folder),
        None => tempfile::tempfile(),
    }?;
    io::copy(&mut stream, &mut file)?;
    io::Seek::rewind(&mut file)?;
    Ok(file)
}
