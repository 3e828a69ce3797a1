//! What can be wrong with a list, or with a decision that is to be added to it.

use std::io;

use thiserror::Error;

/// Why a local list cannot be read or written. The path is in the message.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LocalListError {
    /// The system refuses.
    #[error("{path} cannot be {doing}: {source}; check the path, its permissions and the space there is")]
    Io {
        /// The list.
        path: String,
        /// What was being done.
        doing: &'static str,
        /// What the system says.
        source: io::Error,
    },
    /// It is no CSV.
    #[error("{path}: {source}")]
    Csv {
        /// The list.
        path: String,
        /// What is wrong with it.
        source: lykta_list::Error,
    },
    /// Its first row is not a header of a list with names and hashes.
    #[error(
        "{path}: the header has no column id, or one that is not known ({column:?}); decisions are added to a CSV \
         list with a header, or to a new file"
    )]
    Header {
        /// The list.
        path: String,
        /// The column that is not known; empty when `id` is missing.
        column: String,
    },
    /// A row with more or fewer cells than the header.
    #[error("{path}, line {line}: {got} cells where the header has {expected}; repair the list first")]
    Cells {
        /// The list.
        path: String,
        /// The line.
        line: u64,
        /// Columns of the header.
        expected: usize,
        /// Cells of the row.
        got: usize,
    },
    /// A cell that is not UTF-8.
    #[error("{path}, line {line}: not text in UTF-8; save the list as UTF-8")]
    NotUtf8 {
        /// The list.
        path: String,
        /// The line.
        line: u64,
    },
}

/// Why a decision cannot become a row. Lines are those of the file of decisions.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AddError {
    /// Neither its row nor the families say what its hashes are.
    #[error(
        "line {line}: no hash of {id}; give the output of `lykta cluster` with --families, or its columns"
    )]
    NoHash {
        /// The line.
        line: u64,
        /// The item.
        id: String,
    },
    /// A hash, quality or size that a list cannot hold.
    #[error("line {line}: {problem}; take it again from the output of `lykta cluster`")]
    BadHash {
        /// The line.
        line: u64,
        /// What is wrong, with the column.
        problem: String,
    },
    /// The list has the item, or its hashes, with another label.
    #[error(
        "line {line}: the list has {known}, with the same {what}, under the label {listed:?} and not {decided:?}; \
         settle it and change either"
    )]
    OtherLabel {
        /// The line.
        line: u64,
        /// The item in the list.
        known: String,
        /// What is the same: `id` or `hashes`.
        what: &'static str,
        /// The label in the list, scheme and code.
        listed: String,
        /// The label decided on.
        decided: String,
    },
    /// Items with the same hashes were decided differently.
    #[error(
        "line {line}: {id} has the same hashes as line {earlier}, which was decided differently; settle it"
    )]
    Contradiction {
        /// The line.
        line: u64,
        /// The line of the other.
        earlier: u64,
        /// The item.
        id: String,
    },
    /// The list holds what was decided otherwise.
    #[error(
        "line {line}: the list holds entries decided as {held}, and this one is {decided}; keep one list for each \
         decision, since an index takes a list as a whole"
    )]
    OtherDecision {
        /// The line.
        line: u64,
        /// The decision in the list.
        held: String,
        /// The decision on the item.
        decided: &'static str,
    },
}
