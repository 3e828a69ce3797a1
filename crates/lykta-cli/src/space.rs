//! Disk space: what a build needs, and what there is.
//!
//! The need is that of lists as they are: how much a packed one unpacks to is not known beforehand, nor what a list
//! that changes its own entries takes in its temporary store.

use std::fs;
use std::path::{Path, PathBuf};

use lykta::index::DiskEstimate;
use lykta::source::Locator;
use serde_json::{Value, json};

use crate::say::note;

/// Less than this is on every disk.
const WORTH_A_WORD: u64 = 64 << 20;

/// What building an index needs of the folder it goes to.
pub(crate) struct Space {
    folder: PathBuf,
    /// Bytes of all lists; `None` when one of them is not a regular file.
    list_bytes: Option<u64>,
    memory: u64,
    free: Option<u64>,
}

impl Space {
    pub(crate) fn needed<'a>(lists: impl Iterator<Item = &'a Path>, memory: u64, folder: &Path) -> Self {
        let sizes =
            lists.map(|list| fs::metadata(list).ok().filter(fs::Metadata::is_file).map(|file| file.len()));
        Self { folder: folder.to_owned(), list_bytes: sizes.sum(), memory, free: free_bytes(folder) }
    }

    /// Bytes of all lists, when that is known.
    pub(crate) fn list_bytes(&self) -> Option<u64> {
        self.list_bytes
    }

    fn estimate(&self) -> Option<DiskEstimate> {
        self.list_bytes.map(|bytes| DiskEstimate::new(bytes, self.memory))
    }

    /// Says what is needed and what there is when it is much or may be too much, as far as it is known.
    pub(crate) fn say(&self) {
        let Some(estimate) = self.estimate() else { return };
        let scarce = self.free.is_some_and(|free| free < estimate.total());
        if estimate.total() < WORTH_A_WORD && !scarce {
            return;
        }
        let folder = Locator::from_path(&self.folder);
        let (index, temporary) = (size(estimate.index), size(estimate.temporary));
        let free = self.free.map_or_else(String::new, |free| format!("; {folder} has {} free", size(free)));
        note(format_args!(
            "the index needs at most about {index}, temporary files {temporary}, and more where lists are packed or \
             change their own entries{free}"
        ));
        if scarce {
            note("that may be too little: free some space, or put OUT into another folder");
        }
    }

    pub(crate) fn to_json(&self) -> Value {
        let estimate = self.estimate();
        json!({
            "lists_bytes": self.list_bytes,
            "index_bytes_at_most": estimate.map(|estimate| estimate.index),
            "temporary_bytes_at_most": estimate.map(|estimate| estimate.temporary),
            "free_bytes": self.free,
        })
    }
}

/// Bytes that may be written to the file system of a folder; `None` where that cannot be asked.
#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    system.f_bavail.checked_mul(system.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

fn size(bytes: u64) -> String {
    match bytes >> 20 {
        mebibytes @ ..10_240 => format!("{mebibytes} MiB"),
        mebibytes => format!("{} GiB", mebibytes >> 10),
    }
}
