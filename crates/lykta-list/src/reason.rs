//! Why a row or a cell cannot be used.

use std::fmt;

use lykta_hash::ParseError;
use thiserror::Error;

/// A reason to count rejected rows and dropped cells under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A hash has too few or too many digits.
    BadLength,
    /// A hash holds a character that is no hexadecimal digit.
    BadCharacter,
    /// The digest of no bytes: every empty file has it.
    EmptyFileHash,
    /// A PDQ with all bits clear or all set: every flat picture has it.
    BlankPdq,
    /// A pHash or dHash with all bits clear or all set.
    BlankHash,
    /// A PDQ of quality 0: it describes no feature of the picture.
    ZeroQuality,
    /// Every hash cell of the row is empty.
    NoHash,
    /// A size or a quality that is no number, or out of range.
    BadNumber,
    /// Text that is not UTF-8.
    NotUtf8,
    /// More or fewer cells than the header has columns.
    WrongColumns,
    /// Text after the closing quotation mark of a cell.
    BadQuote,
    /// A value that must be there is not.
    MissingValue,
    /// A value of another type than the format has, such as a number where a text must be.
    BadType,
    /// A hash of a kind that is not matched.
    UnsupportedKind,
}

impl Reason {
    /// Every reason, in order.
    pub const ALL: [Self; 14] = [
        Self::BadLength,
        Self::BadCharacter,
        Self::EmptyFileHash,
        Self::BlankPdq,
        Self::BlankHash,
        Self::ZeroQuality,
        Self::NoHash,
        Self::BadNumber,
        Self::NotUtf8,
        Self::WrongColumns,
        Self::BadQuote,
        Self::MissingValue,
        Self::BadType,
        Self::UnsupportedKind,
    ];

    /// A short name that stays as it is: lower case, words joined by `_`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadLength => "bad_length",
            Self::BadCharacter => "bad_character",
            Self::EmptyFileHash => "empty_file_hash",
            Self::BlankPdq => "blank_pdq",
            Self::BlankHash => "blank_hash",
            Self::ZeroQuality => "zero_quality",
            Self::NoHash => "no_hash",
            Self::BadNumber => "bad_number",
            Self::NotUtf8 => "not_utf8",
            Self::WrongColumns => "wrong_columns",
            Self::BadQuote => "bad_quote",
            Self::MissingValue => "missing_value",
            Self::BadType => "bad_type",
            Self::UnsupportedKind => "unsupported_kind",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is wrong with a cell or a row, with the facts.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// Not a hash of the kind that the column holds.
    #[error("{0}")]
    Hash(ParseError),
    /// See [`Reason::EmptyFileHash`].
    #[error("the hash of no bytes, which every empty file has")]
    EmptyFileHash,
    /// See [`Reason::BlankPdq`].
    #[error("all bits are equal, as for every flat picture")]
    BlankPdq,
    /// See [`Reason::BlankHash`].
    #[error("all bits are equal, as for every flat picture")]
    BlankHash,
    /// See [`Reason::ZeroQuality`].
    #[error("not used: its quality is 0")]
    ZeroQuality,
    /// See [`Reason::NoHash`].
    #[error("no hash")]
    NoHash,
    /// See [`Reason::BadNumber`].
    #[error("not a whole number from 0 to {max}")]
    Number {
        /// The largest number that the column takes.
        max: u64,
    },
    /// See [`Reason::NotUtf8`].
    #[error("not UTF-8 at offset {offset}")]
    NotUtf8 {
        /// The first bad byte, from the start of the cell.
        offset: usize,
    },
    /// See [`Reason::WrongColumns`].
    #[error("{got} cells where the header has {expected}")]
    Columns {
        /// Columns of the header.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
    /// See [`Reason::BadQuote`].
    #[error("text after a closing quotation mark")]
    Quote,
    /// See [`Reason::MissingValue`].
    #[error("missing")]
    Missing,
    /// See [`Reason::BadType`].
    #[error("not {expected}")]
    Type {
        /// What it should be, such as `a text`.
        expected: &'static str,
    },
    /// See [`Reason::UnsupportedKind`].
    #[error("a hash of a kind that is not matched")]
    UnsupportedKind,
}

impl Cause {
    /// The reason to count it under.
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Hash(ParseError::Length { .. }) => Reason::BadLength,
            Self::Hash(_) => Reason::BadCharacter,
            Self::EmptyFileHash => Reason::EmptyFileHash,
            Self::BlankPdq => Reason::BlankPdq,
            Self::BlankHash => Reason::BlankHash,
            Self::ZeroQuality => Reason::ZeroQuality,
            Self::NoHash => Reason::NoHash,
            Self::Number { .. } => Reason::BadNumber,
            Self::NotUtf8 { .. } => Reason::NotUtf8,
            Self::Columns { .. } => Reason::WrongColumns,
            Self::Quote => Reason::BadQuote,
            Self::Missing => Reason::MissingValue,
            Self::Type { .. } => Reason::BadType,
            Self::UnsupportedKind => Reason::UnsupportedKind,
        }
    }
}

/// What is wrong with one cell, or with a row as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The column of the cell; `None` when the row as a whole is meant. In a plain list the kind.
    pub column: Option<&'static str>,
    /// What is wrong.
    pub cause: Cause,
}

impl Problem {
    /// The reason to count it under.
    pub const fn reason(&self) -> Reason {
        self.cause.reason()
    }

    pub(crate) const fn cell(column: &'static str, cause: Cause) -> Self {
        Self { column: Some(column), cause }
    }

    pub(crate) const fn row(cause: Cause) -> Self {
        Self { column: None, cause }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.column {
            Some(column) => write!(f, "{column}: {}", self.cause),
            None => write!(f, "{}", self.cause),
        }
    }
}
