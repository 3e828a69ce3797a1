//! What a row of a list says.

use std::fmt;
use std::sync::Arc;

use lykta_hash::{Hash, PhotoDna};

use crate::position::Position;
use crate::reason::{Problem, Reason};

/// One row of a list: what it says, or why it could not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// The row has at least one hash that can be used, or a PhotoDNA that is kept.
    Accepted(Entry),
    /// The row has none, or a code that cannot be read.
    Rejected(Rejection),
    /// The row says that an entry counts no longer.
    Deleted(Deletion),
}

/// One row of a list that has at least one usable hash, or a PhotoDNA.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The row, from 1: blank lines and the header are not rows. In formats without rows, the record.
    pub row: u64,
    /// Where in the list the row begins.
    pub position: Position,
    /// What the list calls the entry: its id, else its path or file name, as it stands there; `None` when it
    /// has neither, and results then say `row N`.
    pub name: Option<String>,
    /// What the entry is known by when a later delivery changes or deletes it; `None` in formats that have
    /// no such thing.
    pub key: Option<String>,
    /// When the source changed it last, in microseconds since 1970 (UTC); of two states of one key the later
    /// one holds. `None` when the list does not say; then the one that comes later in the list holds.
    pub changed: Option<i64>,
    /// The usable hashes, at most one of each kind, in order of kinds. None only beside a PhotoDNA.
    pub hashes: Vec<Hash>,
    /// The PhotoDNA: kept, not matched.
    pub photodna: Option<PhotoDna>,
    /// Quality that PDQ gave the picture, 0..=100.
    pub pdq_quality: Option<u8>,
    /// Size of the file, in bytes.
    pub size: Option<u64>,
    /// Which view of a picture the hashes are of, such as `original` or `rot90`.
    pub view: Option<String>,
    /// How the list classifies the file; `None` when all its cells are empty.
    ///
    /// Shared: millions of entries of a list have the same few.
    pub label: Option<Arc<Label>>,
    /// Whether what a match means depends on the label's code, empty when the entry has none: the list holds
    /// entries of different meaning, and somebody has to say which is which. Such an entry has a label.
    pub categorised: bool,
    /// Values that are there but could not be used. Hashes among them will not be found.
    pub dropped: Vec<Problem>,
}

/// How a list classifies a file, in the words of its own scheme. What is not given is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// The scheme that `code` belongs to.
    pub scheme: String,
    /// The version of the scheme, or the region whose meaning of it holds.
    pub version: String,
    /// The code within the scheme.
    pub code: String,
    /// The series of pictures that the file belongs to.
    pub series: String,
    /// Whether the victim is identified, in the list's words.
    pub victim_identified: String,
}

/// One row of a list that has no usable hash, or cannot be decided on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The row, from 1: blank lines and the header are not rows.
    pub row: u64,
    /// Where in the list the row begins.
    pub position: Position,
    /// The reason to count the row under: that of the first problem.
    pub reason: Reason,
    /// Everything that is wrong with the row, never empty: hash cells in order of kinds come first, unless the
    /// row is rejected for a code that cannot be read.
    pub problems: Vec<Problem>,
}

impl Rejection {
    /// A row with these problems; without any, it is said to hold no hash.
    pub(crate) fn new(row: u64, position: Position, mut problems: Vec<Problem>) -> Self {
        if problems.is_empty() {
            problems.push(Problem::row(crate::reason::Cause::NoHash));
        }
        Self { row, position, reason: problems[0].reason(), problems }
    }
}

/// One row of a list that says that an entry counts no longer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deletion {
    /// The row, from 1.
    pub row: u64,
    /// Where in the list the row begins.
    pub position: Position,
    /// The key of the entry.
    pub key: String,
    /// When the source deleted it; as [`Entry::changed`].
    pub changed: Option<i64>,
}

impl fmt::Display for Rejection {
    /// The place and every problem. Cells are not repeated, apart from a single bad character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.position)?;
        for (i, problem) in self.problems.iter().enumerate() {
            let separator = if i == 0 { "" } else { "; " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}
