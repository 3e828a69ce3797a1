//! Why a list as a whole is refused.

use std::io;

use thiserror::Error;

use crate::format::Format;
use crate::formats::csv::COLUMNS;
use crate::lines::MAX_RECORD;
use crate::position::Position;

/// A list that cannot be read, or not any further. Lines count from 1, offsets are bytes from the
/// start of the file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Reading failed, otherwise than by an end that comes too early.
    #[error("cannot read the list at line {line}: {source}")]
    Io {
        /// The line that was being read.
        line: u64,
        /// What the system says.
        source: io::Error,
    },
    /// No line, or only blank ones.
    #[error("the list is empty: check that it was downloaded or written completely")]
    Empty,
    /// A NUL byte: no text in UTF-8.
    #[error(
        "the list is neither text in UTF-8 nor in a format that is known (line {line}, offset {offset}): if it is \
         UTF-16 without a byte order mark, save it as UTF-8; if it is compressed otherwise than by gzip, zstd \
         or zip, unpack it first"
    )]
    Binary {
        /// The line.
        line: u64,
        /// Where the byte is.
        offset: u64,
    },
    /// A row of more than [`MAX_RECORD`] bytes.
    #[error(
        "the row that begins on line {line} is longer than {MAX_RECORD} bytes: check that it is a hash list \
         and that every opening quotation mark has a closing one"
    )]
    TooLong {
        /// Where the row begins.
        line: u64,
    },
    /// The list ends inside a quoted cell.
    #[error(
        "the list ends inside the quoted cell of the row that begins on line {line}: either a quotation mark is \
         missing, or the list was cut short; get it again, or take what is there with --keep-partial"
    )]
    OpenQuote {
        /// Where the row begins.
        line: u64,
    },
    /// Text after the closing quotation mark of a cell that began on an earlier line: the rows in
    /// between may have been taken for text.
    #[error(
        "line {line} has text after the closing quotation mark of a cell in the row that begins on line \
         {start}: check the quotation marks from line {start} on, rows in between would be lost"
    )]
    StrayQuote {
        /// Where the row begins.
        start: u64,
        /// Where the text after the mark is.
        line: u64,
    },
    /// The first line is neither a header nor a hash.
    #[error(
        "line {line} is neither a header nor a hash: add a header row that names the columns, separated by \
         commas, out of {}; or say with --map what its columns are, or give --format for a list with one hash a line",
        COLUMNS.join(", ")
    )]
    FirstLine {
        /// The line.
        line: u64,
    },
    /// One hash of 64 bits a line, without a word on their kind.
    #[error(
        "line {line} has 16 hexadecimal digits, which is the length of a pHash and of a dHash: give --format \
         phash or --format dhash, or a first line that says phash or dhash"
    )]
    Which64Bits {
        /// The line.
        line: u64,
    },
    /// Several columns and no header.
    #[error(
        "line {line} has several columns and no header says what they are: say it with --map (`lykta list \
         inspect` proposes a mapping), or add a header row with names out of {}",
        COLUMNS.join(", ")
    )]
    Headerless {
        /// The line.
        line: u64,
    },
    /// A column that is not known.
    #[error(
        "column {column} of the header (line {line}) is named {name:?}, which is not known: remove or rename \
         the column; known, in lower case, are {}",
        COLUMNS.join(", ")
    )]
    UnknownColumn {
        /// The line of the header.
        line: u64,
        /// The column, from 1.
        column: usize,
        /// The start of its name.
        name: String,
    },
    /// Two columns of one name.
    #[error("the header (line {line}) has two columns named {name}: remove or rename one")]
    DuplicateColumn {
        /// The line of the header.
        line: u64,
        /// The name.
        name: &'static str,
    },
    /// No column holds hashes.
    #[error(
        "the header (line {line}) names no column of hashes: add one of md5, sha1, sha256, blake3, pdq, \
         phash, dhash"
    )]
    NoHashColumn {
        /// The line of the header.
        line: u64,
    },
    /// The list ends before it is complete.
    #[error(
        "the list ends too early ({position}): {detail}; get it again, or take what is there with --keep-partial"
    )]
    Truncated {
        /// Where it ends.
        position: Position,
        /// What is missing.
        detail: String,
    },
    /// The list is not what its format asks for, in a way that makes the rest of it unreliable.
    #[error("the list is no valid {format} ({position}): {detail}")]
    Malformed {
        /// What it was read as.
        format: Format,
        /// Where.
        position: Position,
        /// What is wrong, and what to do.
        detail: String,
    },
    /// The list is compressed in a way that cannot be read.
    #[error("{detail}")]
    Packed {
        /// What is wrong, and what to do.
        detail: String,
    },
    /// A header where the caller said that there is none, or of another kind.
    #[error(
        "line {line} is a header, but --format {format} is for a list with one {format} a line: leave out \
         --format, or use --format csv"
    )]
    UnexpectedHeader {
        /// The line of the header.
        line: u64,
        /// What the caller said.
        format: Format,
    },
}

impl Error {
    /// Where the error is; `None` when it is about the whole list.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Empty | Self::Packed { .. } => None,
            Self::Truncated { position, .. } | Self::Malformed { position, .. } => Some(*position),
            Self::Io { line, .. }
            | Self::Binary { line, .. }
            | Self::TooLong { line }
            | Self::OpenQuote { line }
            | Self::StrayQuote { line, .. }
            | Self::FirstLine { line }
            | Self::Which64Bits { line }
            | Self::Headerless { line }
            | Self::UnknownColumn { line, .. }
            | Self::DuplicateColumn { line, .. }
            | Self::NoHashColumn { line }
            | Self::UnexpectedHeader { line, .. } => Some(Position::Line(*line)),
        }
    }

    /// Whether the list was cut short: what was read of it before is what it says.
    pub fn is_truncated(&self) -> bool {
        matches!(self, Self::Truncated { .. } | Self::OpenQuote { .. })
    }

    /// Reading failed on `line`: what is packed says by its kind of error that it was cut short.
    pub(crate) fn io(line: u64, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::UnexpectedEof => Self::Truncated {
                position: Position::Line(line),
                detail: "its data stop in the middle".to_owned(),
            },
            _ => Self::Io { line, source },
        }
    }
}
