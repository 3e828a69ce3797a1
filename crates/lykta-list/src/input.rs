//! From the bytes of a list to what its format reads: the start looked at.

use std::io::{Cursor, Read};
use std::path::PathBuf;

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
    /// The file that the input is of, when it is one: a database is opened there instead of being copied, and
    /// files that belong to it are looked for beside it.
    pub path: Option<PathBuf>,
    /// Where temporary files may be made; the system's folder for them when not given.
    pub folder: Option<PathBuf>,
}

/// A list to be read, from its first byte.
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
    /// Looks at the start of `stream`.
    pub(crate) fn new(mut stream: impl Read + 'r, options: ReadOptions) -> Result<(Self, Vec<u8>), Error> {
        let mut head = Vec::new();
        let read = stream.by_ref().take(HEAD as u64).read_to_end(&mut head);
        read.map_err(|source| Error::Io { line: 1, source })?;
        let stream: Box<dyn Read + 'r> = Box::new(Cursor::new(head.clone()).chain(stream));
        Ok((Self { stream, options, is_unpacked: false }, head))
    }
}
