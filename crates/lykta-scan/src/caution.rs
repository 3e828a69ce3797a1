//! What is left undone of an item that ended a worker process before, and what its record says of that.

use crate::death::Death;
use crate::hashing::PictureResult;
use crate::outcome::Failure;
use crate::record::Opened;

/// How an item is treated that ended a worker process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caution {
    /// How the worker ended.
    pub(crate) death: Death,
    /// The particulars.
    pub(crate) detail: String,
    /// Nothing is done but reading its bytes; else it is treated as any other, but that its picture is not decoded.
    pub(crate) only_bytes: bool,
    /// Its bytes are passed over, too: it has its record.
    pub(crate) is_left: bool,
    /// The number of the next item behind it and all that is known to be in it.
    pub(crate) next: u64,
    /// Members that came out of it.
    pub(crate) members: u64,
    /// Items that came out of it.
    pub(crate) items: u64,
}

impl Caution {
    pub(crate) fn failure(&self) -> Failure {
        Failure::Worker(self.death)
    }

    /// What is said of its picture, or of what else it is.
    pub(crate) fn result<H>(&self) -> PictureResult<H> {
        PictureResult::Failed(self.failure(), self.detail.clone())
    }

    /// What came out of it, when it was opened as `kind`.
    pub(crate) fn opened(&self, kind: &'static str) -> Option<Opened> {
        let Self { members, items, .. } = *self;
        (items > 0).then_some(Opened { kind, members, items })
    }
}
