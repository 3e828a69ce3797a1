//! Building an index in bounded memory: entries collected, hashes sorted, one file written front to
//! back and renamed into place.
//!
//! Each hash becomes a record with the number of its entry (`sorter`). What does not fit into memory
//! lies in unnamed temporary files until it is written: sorted runs of records, columns and texts of
//! the entries (`spool`). Nothing in the result depends on how much went there.

mod collapse;
mod column;
mod entries;
mod estimate;
mod merge;
mod sorter;
mod spool;
mod tables;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use lykta_hash::{Bits64, Digest, Hash, Pdq, PhotoDna};

use crate::entry::Label;
use crate::error::{Error, Problem};
use crate::meta::{Role, Source};
use crate::near::Structure;
use crate::near::order::order_value;
use crate::write::{Output, remove_leftovers};
use collapse::ID_LEN;
use entries::NewEntries;
pub use estimate::DiskEstimate;
use sorter::Sorter;
use spool::Place;

/// Least memory that a build can do with: its buffers and the largest of a list's rows.
const LEAST_MEMORY: u64 = 64 << 20;

/// How to lay out the index.
#[derive(Clone, Debug)]
pub struct BuildOptions {
    /// The near structure; `None` chooses the one with the least expected cost.
    pub structure: Option<Structure>,
    /// The radius to be fast at, in bits, 0..=256. Any other has an exact answer too.
    pub near_radius: u32,
    /// Bytes of memory to use for what is collected, at least 64 MiB. What does not fit goes to
    /// temporary files in `folder`.
    pub memory: u64,
    /// Where temporary files may be made: best the folder of the index. Without one, a list that
    /// does not fit into `memory` is an error. [`Builder::new`] removes from there what builds that
    /// were killed have left.
    pub folder: Option<PathBuf>,
}

impl Default for BuildOptions {
    /// The cheapest structure at 31 bits, the threshold that PDQ's makers recommend; 1 GiB, and no
    /// folder for temporary files.
    fn default() -> Self {
        Self { structure: None, near_radius: 31, memory: 1 << 30, folder: None }
    }
}

/// The number of a list in the index under construction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceId(u32);

/// A row of a list, to be added.
#[derive(Clone, Copy, Debug, Default)]
pub struct NewEntry<'a> {
    /// Its row, counted from 1.
    pub row: u64,
    /// Its name; empty is none.
    pub name: Option<&'a str>,
    /// Its hashes, of any kinds. One that must never match (of an empty file, or of a blank picture)
    /// is left out.
    pub hashes: &'a [Hash],
    /// The category that the list gives it.
    pub label: Option<Label<'a>>,
    /// Which part or version of the picture was hashed.
    pub view: Option<&'a str>,
    /// Quality of the PDQ hash, 0..=100; a hash of quality 0 is left out.
    pub pdq_quality: Option<u8>,
    /// Its PhotoDNA, kept beside the entry and not matched.
    pub photodna: Option<&'a [u8; PhotoDna::BYTES]>,
    /// What a match means; `None` is the role of the list.
    pub role: Option<Role>,
}

/// Collects entries and writes an index file.
///
/// The same sources and entries in the same order give the same bytes, whatever the memory and the
/// number of threads.
pub struct Builder {
    options: BuildOptions,
    place: Place,
    /// Most bytes of hashes to keep in memory.
    run: u64,
    sources: Vec<Source>,
    /// The sources whose duplicates are counted already.
    counted: BTreeSet<u32>,
    entries: NewEntries,
    pairs: Pairs,
    retractions: BTreeSet<(String, String)>,
    /// Bytes of memory that `retractions` take, estimated from above.
    retractions_memory: u64,
}

/// Hashes with their entries. The records of PDQ begin with the order value.
#[derive(Default)]
struct Pairs {
    md5: Sorter<{ 16 + ID_LEN }>,
    sha1: Sorter<{ 20 + ID_LEN }>,
    sha256: Sorter<{ 32 + ID_LEN }>,
    blake3: Sorter<{ 32 + ID_LEN }>,
    pdq: Sorter<{ 4 + 32 + ID_LEN }>,
    phash: Sorter<{ 8 + ID_LEN }>,
    dhash: Sorter<{ 8 + ID_LEN }>,
}

impl Builder {
    /// An empty index.
    pub fn new(options: BuildOptions) -> Self {
        if let Some(folder) = &options.folder {
            remove_leftovers(folder);
        }
        let place = Place { folder: options.folder.clone(), in_memory: None };
        Self::with_runs(options, place, u64::MAX)
    }

    /// `run` is the most bytes of hashes to keep in memory, below what the options allow.
    fn with_runs(options: BuildOptions, place: Place, run: u64) -> Self {
        Self {
            entries: NewEntries::new(&place),
            place,
            options,
            run,
            sources: Vec::new(),
            counted: BTreeSet::new(),
            pairs: Pairs::default(),
            retractions: BTreeSet::new(),
            retractions_memory: 0,
        }
    }

    /// Adds a list. Its counts may be filled in later by [`Builder::source_mut`]; `duplicates` is
    /// counted by [`Builder::write`].
    pub fn add_source(&mut self, source: Source) -> SourceId {
        self.sources.push(source);
        SourceId(self.sources.len() as u32 - 1)
    }

    /// The description of a list, to fill in what is known only after reading it.
    pub fn source_mut(&mut self, id: SourceId) -> &mut Source {
        &mut self.sources[id.0 as usize]
    }

    /// Adds a row of a list.
    ///
    /// # Errors
    /// When the index is full: 2^31 entries, 65,535 different views, a name of 16 MiB, or a terabyte
    /// of names; when labels and the like alone take more memory than the options allow, or anything
    /// does and there is no folder for temporary files; and when such a file cannot be written.
    pub fn add(&mut self, source: SourceId, entry: &NewEntry<'_>) -> Result<(), Error> {
        self.make_room()?;
        let role = entry.role.unwrap_or(self.sources[source.0 as usize].role);
        let id = self.entries.add(source.0, role, entry)?;
        for hash in entry.hashes {
            match hash {
                Hash::Pdq(_) if entry.pdq_quality == Some(0) => {}
                hash => self.pairs.push(hash, id),
            }
        }
        Ok(())
    }

    /// Says that an entry of an index given before this one counts no longer: `list` is the name of
    /// its list, `entry` the one it has in results. Saying it twice changes nothing.
    ///
    /// # Errors
    /// As [`Builder::add`].
    pub fn retract(&mut self, list: &str, entry: &str) -> Result<(), Error> {
        self.make_room()?;
        if self.retractions.insert((list.to_owned(), entry.to_owned())) {
            self.retractions_memory += (2 * size_of::<(String, String)>() + list.len() + entry.len()) as u64;
        }
        Ok(())
    }

    /// Bytes of memory that what was added takes now. O(1).
    pub fn memory(&self) -> u64 {
        self.memory_beside_pairs() + self.pairs.memory()
    }

    fn memory_beside_pairs(&self) -> u64 {
        self.entries.memory() + self.retractions_memory
    }

    /// Keeps within the memory allowed: writes to disk what can go there.
    fn make_room(&mut self) -> Result<(), Error> {
        let limit = self.options.memory;
        if limit < LEAST_MEMORY {
            return Err(Problem::LittleMemory { limit, least: LEAST_MEMORY }.into());
        }
        let pairs = self.pairs.memory();
        if self.memory() < limit && pairs < self.run {
            return Ok(());
        }
        let too_much = Problem::Memory { limit, entries: self.entries.count().into() };
        match &self.place.folder {
            // Half of it is for what tables need while they are written.
            Some(folder) if self.memory_beside_pairs() <= limit / 2 => self.pairs.spill_largest(folder),
            _ => Err(too_much.into()),
        }
    }

    /// Sorts everything and writes the file: to a temporary one beside it with access for the owner
    /// alone, flushed to disk, then renamed. Whoever has the old file open keeps it. Returns the
    /// lists with their duplicates counted.
    ///
    /// # Errors
    /// When the file cannot be written; nothing is then left under its name that was not there. When
    /// a BK-tree is asked for, and its hashes do not fit into memory.
    pub fn write(self, path: &Path) -> Result<Vec<Source>, Error> {
        self.write_with(path, &mut |_, _| {})
    }

    /// As [`Builder::write`], and tells `report` what is done now, in words, and how many bytes of the
    /// index are written: at every step and every 2 MiB.
    ///
    /// # Errors
    /// As [`Builder::write`].
    pub fn write_with(
        mut self,
        path: &Path,
        report: &mut dyn FnMut(&'static str, u64),
    ) -> Result<Vec<Source>, Error> {
        self.make_room()?;
        let mut write = || {
            let mut output = Output::file(path, report)?;
            let sources = self.write_sections(&mut output)?;
            output.into_place()?;
            Ok(sources)
        };
        write().map_err(|error: Error| error.at(path))
    }

    /// The bytes of the index file, for an index that never is a file.
    ///
    /// # Errors
    /// As [`Builder::write`].
    pub fn into_bytes(mut self) -> Result<Vec<u8>, Error> {
        self.make_room()?;
        let mut report = |_: &'static str, _| {};
        let mut output = Output::in_memory(&mut report);
        self.write_sections(&mut output)?;
        output.into_bytes()
    }
}

impl Pairs {
    /// Adds a hash of an entry, unless it must never match.
    fn push(&mut self, hash: &Hash, id: u32) {
        match hash {
            hash if hash.is_blank() => {}
            Hash::Digest(digest) if digest.is_of_empty_file() => {}
            Hash::Digest(Digest::Md5(key)) => self.md5.push(record(key, id)),
            Hash::Digest(Digest::Sha1(key)) => self.sha1.push(record(key, id)),
            Hash::Digest(Digest::Sha256(key)) => self.sha256.push(record(key, id)),
            Hash::Digest(Digest::Blake3(key)) => self.blake3.push(record(key, id)),
            Hash::Phash(Bits64(key)) => self.phash.push(record(key, id)),
            Hash::Dhash(Bits64(key)) => self.dhash.push(record(key, id)),
            Hash::Pdq(Pdq(key)) => {
                let mut ordered = [0; 36];
                ordered[..4].copy_from_slice(&order_value(key).to_be_bytes());
                ordered[4..].copy_from_slice(key);
                self.pdq.push(record(&ordered, id));
            }
        }
    }

    /// Bytes of memory of each kind, in the order of [`Pairs::spill_largest`].
    fn sizes(&self) -> [u64; 7] {
        [
            self.md5.memory(),
            self.sha1.memory(),
            self.sha256.memory(),
            self.blake3.memory(),
            self.pdq.memory(),
            self.phash.memory(),
            self.dhash.memory(),
        ]
    }

    fn memory(&self) -> u64 {
        self.sizes().iter().sum()
    }

    /// Writes the kind that takes most memory to disk.
    fn spill_largest(&mut self, folder: &Path) -> Result<(), Error> {
        let largest = (0..).zip(self.sizes()).max_by_key(|(_, size)| *size).map_or(0, |(at, _)| at);
        match largest {
            0 => self.md5.spill(folder),
            1 => self.sha1.spill(folder),
            2 => self.sha256.spill(folder),
            3 => self.blake3.spill(folder),
            4 => self.pdq.spill(folder),
            5 => self.phash.spill(folder),
            _ => self.dhash.spill(folder),
        }
    }
}

/// A hash and the number of its entry, most significant byte first, so that bytes sort as numbers.
fn record<const N: usize, const L: usize>(key: &[u8; N], id: u32) -> [u8; L] {
    let mut record = [0; L];
    record[..N].copy_from_slice(key);
    record[N..].copy_from_slice(&id.to_be_bytes());
    record
}
