//! The only memory mapping, and with it one of the two modules with `unsafe`.
#![expect(unsafe_code, reason = "a mapping can only be made by an unsafe call")]

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use memmap2::{Mmap, MmapMut};

use crate::error::{Error, Problem};
use crate::format::TABLE_OFFSET;

/// The bytes of an index file: mapped, with a shared lock held while it lives, or a copy in memory.
#[derive(Debug)]
pub struct Mapped {
    map: Mmap,
    // Holds the lock; none for a copy.
    _file: Option<File>,
}

impl Mapped {
    /// Maps a regular file. O(1): no page is read before it is used.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let file = open_regular(path)?;
        lock_shared(&file)?;
        // SAFETY: the bytes must not change while mapped. Lykta never writes to an index file in
        // place: a new one is renamed over it, and this mapping keeps the old. Another program that
        // writes to or truncates the file breaks that promise; docs/limits.md says so. All reads
        // are bounds-checked against the mapped length, which the header's length must equal.
        let map = unsafe { Mmap::map(&file) }.map_err(Error::io("map the file"))?;
        // What is not in memory yet is then read, and mapped, in huge pages where the system can.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Ok(Self { map, _file: Some(file) })
    }

    /// Reads a regular file into memory of its own, on huge pages where the system can.
    pub(crate) fn preload(path: &Path) -> Result<Self, Error> {
        let mut file = open_regular(path)?;
        let length = file.metadata().map_err(Error::io("read the file's size"))?.len();
        let length = usize::try_from(length).map_err(|_| Problem::TooLarge("bytes"))?;
        if length == 0 {
            return Err(Problem::TooShort { length: 0, needed: TABLE_OFFSET as u64 }.into());
        }
        let mut copy = huge_memory(length)?;
        let bytes = copy.get_mut(..length).unwrap_or_default();
        file.read_exact(bytes).map_err(Error::io("read the index into memory"))?;
        let map = copy.make_read_only().map_err(Error::io("protect the index in memory"))?;
        Ok(Self { map, _file: None })
    }
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.map
    }
}

/// How often a lock is asked for, and how long is waited in between: a build that has just put its
/// file in place gives up its own lock a moment later.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

fn lock_shared(file: &File) -> Result<(), Error> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock_shared() {
            Ok(()) => return Ok(()),
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            // File systems without locks still hold index files: go on without.
            Err(std::fs::TryLockError::Error(_)) => return Ok(()),
        }
    }
    Err(Problem::Locked.into())
}

/// Zeroed memory, of at least a byte, on huge pages, where the system can: random access to gigabytes is several times
/// as fast there, because the processor finds the pages without walking through tables.
pub(crate) fn huge_memory(length: usize) -> Result<MmapMut, Error> {
    let memory = MmapMut::map_anon(length.max(1)).map_err(Error::io("get memory"))?;
    #[cfg(target_os = "linux")]
    let _ = memory.advise(memmap2::Advice::HugePage);
    Ok(memory)
}

/// A part of a file under construction, as it was when it was asked for.
#[derive(Debug, Default)]
pub(crate) struct Written {
    bytes: Bytes,
    range: Range<usize>,
}

#[derive(Debug)]
enum Bytes {
    Copy(Vec<u8>),
    Map(Mmap),
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Copy(Vec::new())
    }
}

impl Written {
    pub(crate) fn copy(bytes: &[u8]) -> Self {
        Self { range: 0..bytes.len(), bytes: Bytes::Copy(bytes.to_vec()) }
    }

    /// Maps `length` bytes from `start`, which must be in the file.
    pub(crate) fn map(file: &File, start: usize, length: usize) -> Result<Self, Error> {
        let range = start..start + length;
        // SAFETY: the file is a temporary one that this process made, holds an exclusive lock on, and
        // only writes to behind `range.end`, or writes the same bytes again. Another program that
        // changes it breaks that promise, as with a finished index; docs/limits.md says so.
        let map = unsafe { memmap2::MmapOptions::new().len(range.end).map(file) }
            .map_err(Error::io("map what was written"))?;
        Ok(Self { bytes: Bytes::Map(map), range })
    }
}

impl AsRef<[u8]> for Written {
    fn as_ref(&self) -> &[u8] {
        let all: &[u8] = match &self.bytes {
            Bytes::Copy(bytes) => bytes,
            Bytes::Map(map) => map,
        };
        all.get(self.range.clone()).unwrap_or_default()
    }
}

/// Opens a regular file; anything else (folder, pipe, device) is an error.
pub(crate) fn open_regular(path: &Path) -> Result<File, Error> {
    // Asked first, because opening a pipe would wait for its writer.
    let before = std::fs::metadata(path).map_err(Error::io("open the index"))?;
    if !before.is_file() {
        return Err(Problem::NotRegular.into());
    }
    let file = File::open(path).map_err(Error::io("open the index"))?;
    let opened = file.metadata().map_err(Error::io("read the file's size"))?;
    if !opened.is_file() {
        return Err(Problem::NotRegular.into());
    }
    Ok(file)
}
