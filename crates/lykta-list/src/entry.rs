//! What a row of a list says.

use std::fmt;

use lykta_hash::Hash;

use crate::reason::{Problem, Reason};

/// One row of a list, accepted or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The row has at least one hash that can be used.
    Accepted(Entry),
    /// The row has none.
    Rejected(Rejection),
}

/// One row of a list that has at least one usable hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The row, from 1: blank lines and the header are not rows.
    pub row: u64,
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The cell `id`, else the cell `path`, as it stands in the list; `None` when both are empty,
    /// and results then say `row N`.
    pub name: Option<String>,
    /// The usable hashes, at least one, at most one of each kind, in order of kinds.
    pub hashes: Vec<Hash>,
    /// Quality that PDQ gave the picture, 0..=100.
    pub pdq_quality: Option<u8>,
    /// Size of the file, in bytes.
    pub size: Option<u64>,
    /// Which view of a picture the hashes are of, such as `original` or `rot90`.
    pub view: Option<String>,
    /// How the list classifies the file; `None` when all its cells are empty.
    pub label: Option<Label>,
    /// Cells that are filled but could not be used. Hashes among them will not be found.
    pub dropped: Vec<Problem>,
}

/// How a list classifies a file, in the words of its own scheme. What is not given is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The scheme that `code` belongs to.
    pub scheme: String,
    /// The version of the scheme.
    pub version: String,
    /// The code within the scheme.
    pub code: String,
    /// The series of pictures that the file belongs to.
    pub series: String,
}

/// One row of a list that has no usable hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row, from 1: blank lines and the header are not rows.
    pub row: u64,
    /// The line of the file on which the row begins, from 1.
    pub line: u64,
    /// The reason to count the row under: that of the first problem.
    pub reason: Reason,
    /// Everything that is wrong with the row, never empty: hash cells in order of kinds come first.
    pub problems: Vec<Problem>,
}

impl fmt::Display for Rejection {
    /// The line and every problem. Cells are not repeated, apart from a single bad character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: ", self.line)?;
        for (i, problem) in self.problems.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}
