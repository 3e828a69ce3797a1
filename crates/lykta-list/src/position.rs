//! Where in a list something stands.

use std::fmt;

/// Where a row of a list begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Position {
    /// The line of a text, from 1.
    Line(u64),
    /// Bytes from the start: of the file when it is not compressed, else of what is in it; of the
    /// text as UTF-8 when it is UTF-16.
    Byte(u64),
    /// The row of a database, by its number there.
    Record(i64),
}

impl Position {
    /// The word for the unit: `line`, `byte` or `record`.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Line(_) => "line",
            Self::Byte(_) => "byte",
            Self::Record(_) => "record",
        }
    }

    /// The number without the unit.
    pub const fn number(self) -> i128 {
        match self {
            Self::Line(number) | Self::Byte(number) => number as i128,
            Self::Record(number) => number as i128,
        }
    }
}

impl Default for Position {
    fn default() -> Self {
        Self::Line(0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.unit(), self.number())
    }
}
