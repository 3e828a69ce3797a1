//! An entry put together field by field, with what is wrong with each.

use lykta_hash::{Hash, Kind, PhotoDna};

use crate::entry::{Entry, Rejection, Row};
use crate::formats::plain::usable;
use crate::lines::trim;
use crate::reason::{Cause, Problem};

/// A text of the list; `None` when there is none.
type Given<T> = Result<Option<T>, Cause>;

/// An entry in the making: fields are handed in with the hashes first, in order of kinds.
pub(crate) struct Gather {
    pub(crate) entry: Entry,
}

impl Gather {
    pub(crate) fn new(entry: Entry) -> Self {
        Self { entry }
    }

    pub(crate) fn problem(&mut self, column: &'static str, cause: Cause) {
        self.entry.dropped.push(Problem::cell(column, cause));
    }

    /// What is given, or its problem noted.
    pub(crate) fn given<T>(&mut self, column: &'static str, given: Given<T>) -> Option<T> {
        given.unwrap_or_else(|cause| {
            self.problem(column, cause);
            None
        })
    }

    /// Takes a hash. Returns it when the entry has another one of its kind already.
    #[must_use]
    pub(crate) fn hash(&mut self, kind: Kind, column: &'static str, digits: Given<&str>) -> Option<Hash> {
        let digits = self.given(column, digits)?;
        let hash = self.given(column, usable(kind, digits.as_bytes()).map(Some))?;
        match self.entry.hashes.iter().find(|known| known.kind() == kind) {
            None => {
                let behind = self.entry.hashes.partition_point(|known| known.kind() < kind);
                self.entry.hashes.insert(behind, hash);
                None
            }
            Some(known) => (*known != hash).then_some(hash),
        }
    }

    /// Takes a PhotoDNA. Returns it when the entry has another one already.
    #[must_use]
    pub(crate) fn photodna(&mut self, column: &'static str, text: Given<&str>) -> Option<PhotoDna> {
        let text = self.given(column, text)?;
        let hash = PhotoDna::from_text(trim(text.as_bytes())).map(Some).map_err(Cause::Hash);
        let hash = self.given(column, hash)?;
        match &self.entry.photodna {
            None => {
                self.entry.photodna = Some(hash);
                None
            }
            Some(known) => (*known != hash).then_some(hash),
        }
    }

    /// The entry, or a rejection when there is nothing to know a file by.
    pub(crate) fn row(self) -> Row {
        let Entry { row, position, .. } = self.entry;
        match self.entry.hashes.is_empty() && self.entry.photodna.is_none() {
            true => Row::Rejected(Rejection::new(row, position, self.entry.dropped)),
            false => Row::Accepted(self.entry),
        }
    }
}
