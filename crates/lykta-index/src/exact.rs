//! Exact tables: sorted digests behind a directory of their leading bits.

use std::ops::Range;

use lykta_hash::{Digest, Kind};
use zerocopy::little_endian::U32;

use crate::entry::{Entries, EntryId, EntryIds};
use crate::error::{Error, Problem};
use crate::format::{MAX_DIRECTORY_BITS, SectionKind, bucket};
use crate::hamming::prefetch;
use crate::layout::View;
use crate::verify::References;

/// Least average number of keys in a bucket of the directory, which is twice as many at most: with 20
/// to 36 bytes each, one or two cache lines. The directory has one or two bytes a key; half as many
/// keys a bucket would double that for a tenth of the time.
const KEYS_PER_BUCKET: u64 = 2;

/// Digests of a batch that are looked up side by side: some more than the cache misses that a core has
/// under way at a time.
const AT_ONCE: usize = 32;

/// Bytes that are fetched from memory together.
const CACHE_LINE: usize = 64;

/// Lines of a bucket that are fetched ahead.
const MOST_LINES: usize = 8;

/// Candidates that are compared one after another.
const FEW: usize = 16;

/// The directory's width for `keys` keys: as many leading bits as leave [`KEYS_PER_BUCKET`].
pub(crate) fn directory_bits(keys: u64) -> u32 {
    (keys / KEYS_PER_BUCKET).checked_ilog2().unwrap_or(0).min(MAX_DIRECTORY_BITS)
}

/// The table of one digest kind.
#[derive(Clone, Copy)]
struct Table<'a> {
    /// Key and reference, one behind the other.
    records: &'a [u8],
    key_len: usize,
    len: usize,
    directory: &'a [U32],
    directory_bits: u32,
    kinds: (SectionKind, SectionKind),
}

impl<'a> View<'a> {
    fn table(self, kind: Kind) -> Option<Table<'a>> {
        let kinds = SectionKind::exact_table(kind)?;
        Some(Table {
            records: self.bytes(kinds.0),
            key_len: kind.byte_len(),
            len: usize::try_from(self.layout.section(kinds.0)?.count).ok()?,
            directory: self.u32s(kinds.1),
            directory_bits: self.layout.section(kinds.1)?.parameter,
            kinds,
        })
    }

    pub(crate) fn exact(self, digest: &Digest) -> Entries<'a> {
        // Every empty file has it: no list can mean it, whatever a made-up index holds.
        let table = self.table(digest.kind()).filter(|_| !digest.is_of_empty_file());
        let reference = table.and_then(|table| {
            let key = digest.as_bytes();
            table.find(key, table.candidates(bucket(key, table.directory_bits)))
        });
        let ids = reference.map_or(EntryIds::One(None), |reference| self.entry_ids(reference));
        Entries::new(self, ids)
    }

    /// The directory's lines of all digests of a block are asked for before the first is read, then
    /// the keys' lines: the processor waits for memory three times a block, not twice a digest.
    pub(crate) fn exact_batch(self, digests: &[Digest], mut found: impl FnMut(usize, Entries<'a>)) {
        let tables = Kind::DIGESTS.map(|kind| self.table(kind));
        let table_of = |digest: &Digest| {
            let at = Kind::DIGESTS.iter().position(|kind| *kind == digest.kind())?;
            tables[at].as_ref().filter(|_| !digest.is_of_empty_file())
        };
        for (first, block) in (0..).step_by(AT_ONCE).zip(digests.chunks(AT_ONCE)) {
            let mut searches: [Option<(&Table<'a>, usize)>; AT_ONCE] = [None; AT_ONCE];
            for (search, digest) in searches.iter_mut().zip(block) {
                *search =
                    table_of(digest).map(|table| (table, bucket(digest.as_bytes(), table.directory_bits)));
                if let Some((table, bucket)) = search {
                    prefetch(table.directory.get(*bucket));
                }
            }
            let candidates =
                searches.map(|search| search.map(|(table, bucket)| (table, table.candidates(bucket))));
            for (table, candidates) in candidates.iter().flatten() {
                table.prefetch(candidates);
            }
            for (at, (digest, search)) in (first..).zip(block.iter().zip(candidates)) {
                let reference =
                    search.and_then(|(table, candidates)| table.find(digest.as_bytes(), candidates));
                if let Some(reference) = reference {
                    found(at, Entries::new(self, self.entry_ids(reference)));
                }
            }
        }
    }

    /// Every digest of a kind with each of its entries, ascending.
    pub(crate) fn digests(self, kind: Kind) -> impl Iterator<Item = (Digest, EntryId)> + 'a {
        let records = self
            .table(kind)
            .into_iter()
            .flat_map(|table| (0..table.len).map_while(move |at| table.record(at)));
        records.flat_map(move |(key, reference)| {
            let digest = Digest::from_bytes(kind, key);
            let ids = digest.map_or(EntryIds::One(None), |_| self.entry_ids(reference));
            digest.into_iter().flat_map(move |digest| ids.clone().map(move |id| (digest, id)))
        })
    }

    /// Checks order, directory and references of every exact table. O(keys).
    pub(crate) fn verify_exact(self, references: &mut References) -> Result<(), Error> {
        for kind in Kind::DIGESTS {
            if let Some(table) = self.table(kind) {
                table.verify(kind, references)?;
            }
        }
        Ok(())
    }
}

impl<'a> Table<'a> {
    fn record_len(&self) -> usize {
        self.key_len + size_of::<U32>()
    }

    fn record(&self, at: usize) -> Option<(&'a [u8], u32)> {
        let start = at.checked_mul(self.record_len())?;
        let record = self.records.get(start..start + self.record_len())?;
        let (key, reference) = record.split_at(self.key_len);
        Some((key, u32::from_le_bytes(*reference.first_chunk()?)))
    }

    /// The records of a bucket. A damaged directory may give any, but none beyond the table.
    fn candidates(&self, bucket: usize) -> Range<usize> {
        let offsets = self.directory.get(bucket).zip(self.directory.get(bucket + 1));
        let within = |offset: &U32| (offset.get() as usize).min(self.len);
        offsets.map_or(0..0, |(start, end)| within(start)..within(end))
    }

    /// Asks for the lines of the first records; a bucket of digests has hardly ever more.
    fn prefetch(&self, candidates: &Range<usize>) {
        let start = candidates.start * self.record_len();
        let end = candidates.end * self.record_len();
        for line in (start..end).step_by(CACHE_LINE).take(MOST_LINES) {
            prefetch(self.records.get(line));
        }
        prefetch(self.records.get(end.wrapping_sub(1)));
    }

    /// Compares each candidate's head, which costs less than the wrong guesses of a binary search. Only
    /// a list of made-up keys fills a bucket beyond [`FEW`]; there, log2 of the bucket steps come first.
    fn find(&self, key: &[u8], candidates: Range<usize>) -> Option<u32> {
        let Range { start: mut low, end: mut high } = candidates;
        while high.checked_sub(low)? > FEW {
            let middle = low + (high - low) / 2;
            if self.record(middle)?.0 <= key { low = middle } else { high = middle }
        }
        let records = self.records.get(low * self.record_len()..high * self.record_len())?;
        let head = key.first_chunk::<8>()?;
        let mut records = records.chunks_exact(self.record_len());
        let record = records.find(|record| record.first_chunk() == Some(head) && record.starts_with(key))?;
        Some(u32::from_le_bytes(*record.last_chunk()?))
    }

    fn verify(&self, kind: Kind, references: &mut References) -> Result<(), Error> {
        let wrong_key = |record: usize, what| -> Error {
            Problem::Record { section: self.kinds.0, record: record as u64, what }.into()
        };
        let mut directory = vec![0u32; (1 << self.directory_bits) + 1];
        let mut before: Option<&[u8]> = None;
        for at in 0..self.len {
            let Some((key, reference)) = self.record(at) else {
                return Err(wrong_key(at, "a key cut short"));
            };
            if before.is_some_and(|before| before >= key) {
                return Err(wrong_key(at, "a key that is not greater than the one before"));
            }
            if !references.take(reference) {
                return Err(wrong_key(at, "a reference to no entries of its own"));
            }
            if Digest::from_bytes(kind, key).is_none_or(|digest| digest.is_of_empty_file()) {
                return Err(wrong_key(at, "the digest of an empty file"));
            }
            before = Some(key);
            directory[bucket(key, self.directory_bits) + 1] += 1;
        }
        let mut start = 0;
        for (at, count) in directory.iter().enumerate() {
            start += count;
            if self.directory.get(at).is_none_or(|offset| offset.get() != start) {
                let what = "an offset that does not fit the keys";
                return Err(Problem::Record { section: self.kinds.1, record: at as u64, what }.into());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_grows_with_its_table() {
        assert_eq!(directory_bits(0), 0);
        assert_eq!(directory_bits(3), 0);
        assert_eq!(directory_bits(4), 1);
        assert_eq!(directory_bits(1 << 20), 19);
        assert_eq!(directory_bits(u64::MAX), MAX_DIRECTORY_BITS);
    }
}
