//! Opening an index, and what can be asked of it.

use std::io::Read;
use std::path::Path;

use lykta_hash::{Bits64, Digest, Kind, KindSet, Pdq, PhotoDna};

use crate::entry::{Entries, Entry, EntryId};
use crate::error::Error;
use crate::format::SectionKind;
use crate::layout::{Layout, View};
use crate::map::{Mapped, open_regular};
use crate::meta::Source;
use crate::near::{Explanation, Near, Plan, Structure};
use crate::near64::Near64;

/// An index over any bytes: mapped ([`Index::open`]), in memory ([`Index::read`]), or given
/// ([`Index::new`]).
///
/// Opening costs the same for any size. Queries take `&self` and may run in many threads. Bytes
/// that a damaged file has wrong can lead to wrong answers, which [`Index::verify`] finds, but
/// never to a panic or to unbounded work.
pub struct Index<D = Mapped> {
    data: D,
    layout: Layout,
}

impl Index<Mapped> {
    /// Maps an index file. O(1) in the size of the file.
    ///
    /// The file must not be changed in place while it is open; replacing it by rename is fine.
    ///
    /// # Errors
    /// When the file cannot be opened, is not a regular file, or its header or section table is not
    /// what docs/format.md asks for; the error names the file and the field.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Mapped::open(path).and_then(Self::new).map_err(|error| error.at(path))
    }

    /// Reads an index file into memory of its own, on huge pages where the system can: for services,
    /// whose queries should never wait for a disk, and for files that were not written here, which
    /// the system's cache holds in small pages. Takes the time of reading the file and as much memory
    /// as it is long.
    ///
    /// # Errors
    /// As [`Index::open`], and when there is not enough memory.
    pub fn preload(path: &Path) -> Result<Self, Error> {
        Mapped::preload(path).and_then(Self::new).map_err(|error| error.at(path))
    }
}

impl Index<Vec<u8>> {
    /// Reads an index file into memory: for services, whose queries should never wait for a disk,
    /// and where another program might change the file.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        let read = || {
            let mut data = Vec::new();
            open_regular(path)?.read_to_end(&mut data).map_err(Error::io("read the index"))?;
            Self::new(data)
        };
        read().map_err(|error: Error| error.at(path))
    }
}

impl<D: AsRef<[u8]>> Index<D> {
    /// Takes bytes as an index. O(1) in their length.
    ///
    /// `data.as_ref()` must give the same bytes each time.
    ///
    /// # Errors
    /// As [`Index::open`].
    pub fn new(data: D) -> Result<Self, Error> {
        let layout = Layout::new(data.as_ref())?;
        Ok(Self { data, layout })
    }

    /// The entries with this digest, in ascending order of their numbers. Two or three cache misses,
    /// no allocation. Entries of every role are given.
    pub fn exact(&self, digest: &Digest) -> Entries<'_> {
        self.view().exact(digest)
    }

    /// Looks up many digests: calls `found` with the position and the entries of each that is known, in
    /// order. As [`Index::exact`], but cache misses overlap: several times as fast in a table that is
    /// larger than the caches.
    pub fn exact_batch<'a>(&'a self, digests: &[Digest], found: impl FnMut(usize, Entries<'a>)) {
        self.view().exact_batch(digests, found);
    }

    /// The entries whose PDQ hash differs from `hash` in at most `radius` bits, every one of them,
    /// ordered by distance, then by entry.
    ///
    /// A radius above 256 is 256, which finds everything. An entry comes once for each of its
    /// hashes. The quality that a list states is not looked at.
    pub fn near(&self, hash: &Pdq, radius: u32) -> Vec<Near> {
        self.near_batch(std::slice::from_ref(hash), radius).pop().unwrap_or_default()
    }

    /// The answers of [`Index::near`] to each hash, in order; cheaper than one at a time.
    pub fn near_batch(&self, hashes: &[Pdq], radius: u32) -> Vec<Vec<Near>> {
        self.view().near_batch(hashes, radius.min(Pdq::BITS))
    }

    /// The entries whose 64-bit hash of `kind` differs from `hash` in at most `radius` bits, every one
    /// of them, ordered by distance, then by entry. None when `kind` is not of 64 bits.
    ///
    /// O(hashes of the kind): all are read. A radius above 64 is 64, which finds everything. See
    /// [`expected_random_hits`](crate::expected_random_hits) for how many are found by chance.
    pub fn near64(&self, kind: Kind, hash: &Bits64, radius: u32) -> Vec<Near64> {
        self.near64_batch(kind, std::slice::from_ref(hash), radius).pop().unwrap_or_default()
    }

    /// The answers of [`Index::near64`] to each hash, in order; the hashes of the index are read once
    /// for all of them.
    pub fn near64_batch(&self, kind: Kind, hashes: &[Bits64], radius: u32) -> Vec<Vec<Near64>> {
        self.view().near64_batch(kind, hashes, radius.min(Bits64::BITS))
    }

    /// Which structure answers at `radius`.
    pub fn plan(&self, radius: u32) -> Plan {
        self.view().plan(radius.min(Pdq::BITS))
    }

    /// Answers one query as [`Index::near`] does and says where its time goes.
    pub fn explain(&self, hash: &Pdq, radius: u32) -> Explanation {
        self.view().explain(hash, radius.min(Pdq::BITS))
    }

    /// Every PDQ hash with each of its entries, in the order of the near structure: an entry comes once
    /// for each of its hashes. Reads all hashes; no allocation.
    pub fn pdqs(&self) -> impl Iterator<Item = (Pdq, EntryId)> + '_ {
        self.view().pdqs()
    }

    /// Every digest of `kind` with each of its entries, in ascending order; nothing when `kind` is no
    /// digest. Reads the whole table; no allocation.
    pub fn digests(&self, kind: Kind) -> impl Iterator<Item = (Digest, EntryId)> + '_ {
        self.view().digests(kind)
    }

    /// The entry with this number; `None` when there is none.
    pub fn entry(&self, id: EntryId) -> Option<Entry<'_>> {
        self.view().entry(id)
    }

    /// All entries, in the order of their numbers; one that a damaged file lacks is left out.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'_>> {
        let count = u32::try_from(self.layout.meta.entries).unwrap_or(u32::MAX);
        (0..count).filter_map(|number| self.entry(EntryId(number)))
    }

    /// The number of entries.
    pub fn entry_count(&self) -> u64 {
        self.layout.meta.entries
    }

    /// Whether this index says that an entry of an earlier one counts no longer: `list` is the name
    /// of its list, `entry` the one it has in results ([`Entry::name_or_row`]). O(log retractions),
    /// no allocation. It never concerns the entries of this index.
    pub fn retracts(&self, list: &str, entry: &str) -> bool {
        self.view().retracts(list, entry)
    }

    /// The entries of earlier indexes that count no longer, as (list, entry), ascending.
    pub fn retractions(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.view().retractions()
    }

    /// The number of different hashes of a kind.
    pub fn hash_count(&self, kind: Kind) -> u64 {
        let keys = SectionKind::exact_table(kind).or(SectionKind::near_table(kind)).map(|(keys, _)| keys);
        keys.and_then(|keys| self.layout.section(keys)).map_or(0, |section| section.count)
    }

    /// The PhotoDNA that the list gives an entry: kept, not matched. O(log entries with one).
    pub fn photodna(&self, id: EntryId) -> Option<PhotoDna> {
        self.view().photodna(id).map(|bytes| PhotoDna::from(*bytes))
    }

    /// The number of entries with a PhotoDNA.
    pub fn photodna_count(&self) -> u64 {
        self.layout.section(SectionKind::PhotoDna).map_or(0, |section| section.count)
    }

    /// The kinds of hash that the index holds.
    pub fn kinds(&self) -> KindSet {
        Kind::ALL.into_iter().filter(|kind| self.hash_count(*kind) > 0).collect()
    }

    /// The names of views that any of its entries has, in no particular order.
    pub fn views(&self) -> impl Iterator<Item = &str> {
        self.layout.meta.views.iter().map(String::as_str)
    }

    /// The lists that the index was built from, in the order in which they were given.
    pub fn sources(&self) -> &[Source] {
        &self.layout.meta.sources
    }

    /// The program that built the index, with its version.
    pub fn written_by(&self) -> &str {
        &self.layout.meta.written_by
    }

    /// The radius that the near structure was laid out for, in bits. Any other has an exact answer
    /// too.
    pub fn near_radius(&self) -> u32 {
        self.layout.meta.near_radius
    }

    /// The near structure in the file.
    pub fn structure(&self) -> Structure {
        self.view().structure()
    }

    /// The widths of the slots of multi-index hashing, in bits; empty for other structures.
    pub fn slot_widths(&self) -> Vec<u32> {
        let slots = self.layout.slots.iter().flat_map(|slots| &slots.slots);
        slots.map(|slot| slot.shape.width()).collect()
    }

    /// Bytes of the near structure, without the hashes themselves.
    pub fn structure_bytes(&self) -> u64 {
        let sections = [SectionKind::BkNodes, SectionKind::MihSlots, SectionKind::MihTables];
        sections.iter().map(|kind| self.view().bytes(*kind).len() as u64).sum()
    }

    /// Length of the index in bytes.
    pub fn byte_len(&self) -> u64 {
        self.as_bytes().len() as u64
    }

    /// The bytes of the index.
    pub fn as_bytes(&self) -> &[u8] {
        self.data.as_ref()
    }

    /// The header's checksum: it covers the checksums of all sections, so two files with the same
    /// one that pass [`Index::verify`] have the same content.
    pub fn checksum(&self) -> [u8; 32] {
        self.layout.checksum
    }

    /// Reads the whole index and compares it with its checksums: whether these are the bytes that
    /// were written. Mostly bound by the disk; [`Index::verify`] also asks whether what was written is
    /// an index, and takes many times as long.
    ///
    /// # Errors
    /// The first section that is not as it was written.
    pub fn verify_checksums(&self) -> Result<(), Error> {
        self.view().verify_checksums()
    }

    /// Checks every rule of docs/format.md: checksums, padding, order of keys, every reference, text
    /// and bucket. An index that passes gives right answers for the lists it names.
    ///
    /// # Errors
    /// The first thing that is not as docs/format.md says, with its section.
    pub fn verify(&self) -> Result<(), Error> {
        self.view().verify()
    }

    pub(crate) fn view(&self) -> View<'_> {
        View { data: self.data.as_ref(), layout: &self.layout }
    }
}
