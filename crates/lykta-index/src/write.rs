//! Writing an index file front to back: complete under its name, or not at all.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;
use zerocopy::IntoBytes;

use crate::error::{Error, Problem};
use crate::format::{
    FIRST_SECTION, Header, MAGIC, SECTION_ALIGNMENT, SectionKind, SectionRecord, TABLE_OFFSET, VERSION, align,
};
use crate::map::Written;

/// A file is written in blocks of this length at multiples of it. Measured on Linux with ext4: the
/// page cache then holds it in huge pages, a mapping uses them, and a random access takes 12 ns
/// instead of 40.
const BLOCK: usize = 2 << 20;

/// Names of temporary files in the index's folder.
const TEMPORARY: (&str, &str) = (".lykta-index-", ".tmp");

/// An index file under construction.
pub(crate) struct Output<'a> {
    target: Target,
    report: &'a mut dyn FnMut(&'static str, u64),
    /// What is done now, in words.
    step: &'static str,
    /// What comes behind `block_start` and is not in the target yet, but for a flushed part.
    block: Vec<u8>,
    block_start: u64,
    /// How much of `block` the checksum of the open section covers.
    digested: usize,
    section: Option<OpenSection>,
    table: Vec<SectionRecord>,
}

struct OpenSection {
    kind: SectionKind,
    start: u64,
    checksum: blake3::Hasher,
}

enum Target {
    Memory(Vec<u8>),
    File { temporary: NamedTempFile, path: PathBuf },
}

impl<'a> Output<'a> {
    /// An index that never is a file. `report` is told of every step and of the bytes written.
    pub(crate) fn in_memory(report: &'a mut dyn FnMut(&'static str, u64)) -> Self {
        Self::new(Target::Memory(Vec::new()), report)
    }

    /// An index file that is to be `path`. Left-overs of killed builds in its folder are removed.
    pub(crate) fn file(path: &Path, report: &'a mut dyn FnMut(&'static str, u64)) -> Result<Self, Error> {
        let folder = folder_of(path);
        remove_leftovers(folder);
        let temporary = locked_temporary(folder)?;
        Ok(Self::new(Target::File { temporary, path: path.to_owned() }, report))
    }

    fn new(target: Target, report: &'a mut dyn FnMut(&'static str, u64)) -> Self {
        let mut block = Vec::with_capacity(BLOCK);
        // Header and section table are known at the end.
        block.resize(FIRST_SECTION as usize, 0);
        let (section, table) = (None, Vec::new());
        Self { target, report, step: "writing", block, block_start: 0, digested: 0, section, table }
    }

    /// Says what is done from now on.
    pub(crate) fn step(&mut self, step: &'static str) {
        self.step = step;
        let written = self.position();
        (self.report)(step, written);
    }

    fn position(&self) -> u64 {
        self.block_start + self.block.len() as u64
    }

    /// Begins a section. Sections come in ascending order of their kinds, one after the other.
    pub(crate) fn begin(&mut self, kind: SectionKind) -> Result<(), Error> {
        debug_assert!(
            self.section.is_none() && self.table.last().is_none_or(|last| last.kind.get() < kind as u32)
        );
        let start = align(self.position()).ok_or(Problem::TooLarge("bytes"))?;
        let padding = (start - self.position()) as usize;
        self.put(&[0; SECTION_ALIGNMENT as usize][..padding])?;
        self.digested = self.block.len();
        self.section = Some(OpenSection { kind, start, checksum: blake3::Hasher::new() });
        Ok(())
    }

    /// Appends bytes to the open section.
    pub(crate) fn put(&mut self, mut bytes: &[u8]) -> Result<(), Error> {
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = later;
            if self.block.len() == BLOCK {
                self.digest();
                self.flush()?;
                self.block.clear();
                self.digested = 0;
                self.block_start += BLOCK as u64;
                (self.report)(self.step, self.block_start);
            }
        }
        Ok(())
    }

    /// Ends the open section.
    pub(crate) fn end(&mut self, parameter: u32) {
        self.digest();
        if let Some(section) = self.section.take() {
            let length = self.position() - section.start;
            self.table.push(SectionRecord {
                kind: (section.kind as u32).into(),
                parameter: parameter.into(),
                offset: section.start.into(),
                length: length.into(),
                count: (length / section.kind.record_len() as u64).into(),
                checksum: *section.checksum.finalize().as_bytes(),
            });
        }
    }

    /// A whole section of few bytes.
    pub(crate) fn section(&mut self, kind: SectionKind, bytes: &[u8]) -> Result<(), Error> {
        self.begin(kind)?;
        self.put(bytes)?;
        self.end(0);
        Ok(())
    }

    /// The bytes of the section that was ended last, to be read while others are written.
    pub(crate) fn last_section(&mut self) -> Result<Written, Error> {
        self.flush()?;
        let Some(last) = self.table.last() else { return Ok(Written::default()) };
        let (start, length) = (last.offset.get() as usize, last.length.get() as usize);
        match &self.target {
            Target::Memory(bytes) => Ok(Written::copy(bytes.get(start..start + length).unwrap_or_default())),
            Target::File { temporary, .. } => Written::map(temporary.as_file(), start, length),
        }
    }

    /// Adds what is not digested yet to the checksum of the open section.
    fn digest(&mut self) {
        if let Some(section) = &mut self.section {
            section.checksum.update_rayon(&self.block[self.digested..]);
        }
        self.digested = self.block.len();
    }

    /// Writes the block as far as it is filled; it stays, since more may come behind it.
    fn flush(&mut self) -> Result<(), Error> {
        self.target.write_at(self.block_start, &self.block)
    }

    /// Writes header and section table, and puts a file into its place.
    fn finish(mut self) -> Result<Target, Error> {
        self.flush()?;
        let header = header(self.position(), &self.table);
        self.target.write_at(0, header.as_bytes())?;
        self.target.write_at(TABLE_OFFSET as u64, self.table.as_bytes())?;
        Ok(self.target)
    }

    /// The bytes of an index in memory.
    pub(crate) fn into_bytes(self) -> Result<Vec<u8>, Error> {
        match self.finish()? {
            Target::Memory(bytes) => Ok(bytes),
            Target::File { .. } => Ok(Vec::new()),
        }
    }

    /// Flushes the file to disk and renames it into place.
    pub(crate) fn into_place(mut self) -> Result<(), Error> {
        self.step("flushing to disk");
        let Target::File { temporary, path } = self.finish()? else { return Ok(()) };
        temporary.as_file().sync_all().map_err(Error::io("write the index to disk"))?;
        // Under the exclusive lock until it has its name: another build may remove what is not locked.
        // Who opens it in that moment waits for the lock.
        let file =
            temporary.persist(&path).map_err(|error| Error::io("put the index in its place")(error.error))?;
        let _ = file.unlock();
        sync_folder(folder_of(&path));
        Ok(())
    }
}

impl Target {
    fn write_at(&mut self, offset: u64, bytes: &[u8]) -> Result<(), Error> {
        match self {
            Self::Memory(all) => {
                let start = offset as usize;
                all.resize(all.len().max(start + bytes.len()), 0);
                all[start..start + bytes.len()].copy_from_slice(bytes);
                Ok(())
            }
            Self::File { temporary, .. } => {
                let file = temporary.as_file_mut();
                let write = file.seek(SeekFrom::Start(offset)).and_then(|_| file.write_all(bytes));
                write.map_err(Error::io("write the index"))
            }
        }
    }
}

fn header(file_length: u64, table: &[SectionRecord]) -> Header {
    let mut header = Header {
        magic: MAGIC,
        version: VERSION.into(),
        section_count: (table.len() as u32).into(),
        file_length: file_length.into(),
        reserved: 0.into(),
        checksum: [0; 32],
    };
    let mut checksum = blake3::Hasher::new();
    checksum.update(&header.as_bytes()[..TABLE_OFFSET - 32]);
    checksum.update(table.as_bytes());
    header.checksum = *checksum.finalize().as_bytes();
    header
}

pub(crate) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A temporary file with access for the owner alone, since a hash list is a secret, and locked, so
/// that nobody takes it for a left-over. In the index's folder, because a rename is atomic within
/// one file system only.
fn locked_temporary(folder: &Path) -> Result<NamedTempFile, Error> {
    let make = || {
        let made = tempfile::Builder::new().prefix(TEMPORARY.0).suffix(TEMPORARY.1).tempfile_in(folder);
        made.map_err(Error::io("make a temporary file in the index's folder"))
    };
    loop {
        let temporary = make()?;
        // File systems without locks still take index files; nobody finds a left-over there.
        let locked = temporary.as_file().lock();
        // Between making and locking another build may have removed it.
        if locked.is_err() || temporary.path().exists() {
            return Ok(temporary);
        }
    }
}

/// Removes temporary files that no build holds a lock on: those of builds that were killed. What
/// cannot be removed stays.
pub(crate) fn remove_leftovers(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        let ours = name.starts_with(TEMPORARY.0.as_bytes()) && name.ends_with(TEMPORARY.1.as_bytes());
        if ours && entry.file_type().is_ok_and(|kind| kind.is_file()) {
            let _ = remove_unlocked(&entry.path());
        }
    }
}

fn remove_unlocked(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    file.try_lock()?;
    std::fs::remove_file(path)
}

/// Makes the rename last through a power failure, where the platform can; the file itself is
/// complete either way.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}
