//! The files that a store was made from.

use lykta_list::{Format, Tally};

/// What the list of a store is, from its first delivery on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListDescription {
    /// What it is called in indexes and results. Retractions name it, so it never changes, whatever the store's
    /// file is called.
    pub name: String,
    /// Whether it is of files of no interest.
    pub is_ignore: bool,
    /// Whether it may be that although it classifies entries.
    pub ignore_classified: bool,
}

/// A file of a list, as a store knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileDescription {
    /// Its name.
    pub name: String,
    /// The format that it was read as.
    pub format: Format,
    /// The version that the list gives itself.
    pub version: Option<String>,
    /// The SHA-256 of its bytes. With name and format it says whether a file is the same one again.
    pub sha256: [u8; 32],
    /// How many bytes it has.
    pub bytes: u64,
}

/// A file in its store. Files order as they were added first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) i64);

impl FileId {
    /// Its number in the store, from 1.
    pub const fn number(self) -> i64 {
        self.0
    }
}

/// A file, and what became of its rows when it was taken last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFile {
    /// Which it is.
    pub id: FileId,
    /// What it is.
    pub description: FileDescription,
    /// Why it is not complete, when it was cut short and taken all the same, and no whole list came since.
    pub cut_short: Option<String>,
    /// The counts, without examples; `None` when nobody gave them.
    pub tally: Option<Tally>,
}
