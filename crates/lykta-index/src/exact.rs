//! Exact tables: sorted digests behind a directory of their leading bits.

use lykta_hash::{Digest, Kind};
use zerocopy::little_endian::U32;

use crate::entry::{Entries, EntryIds};
use crate::error::{Error, Problem};
use crate::format::{MAX_DIRECTORY_BITS, SectionKind, bucket};
use crate::layout::View;
use crate::verify::References;

/// Average number of keys in a bucket of the directory: with 20 to 36 bytes each, two cache lines.
const KEYS_PER_BUCKET: u64 = 4;

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
            directory: self.u32s(kinds.1),
            directory_bits: self.layout.section(kinds.1)?.parameter,
            kinds,
        })
    }

    pub(crate) fn exact(self, digest: &Digest) -> Entries<'a> {
        // Every empty file has it: no list can mean it, whatever a made-up index holds.
        let table = self.table(digest.kind()).filter(|_| !digest.is_of_empty_file());
        let reference = table.and_then(|table| table.find(digest.as_bytes()));
        let ids = reference.map_or(EntryIds::One(None), |reference| self.entry_ids(reference));
        Entries::new(self, ids)
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

    fn len(&self) -> usize {
        self.records.len() / self.record_len()
    }

    fn record(&self, at: usize) -> Option<(&'a [u8], u32)> {
        let start = at.checked_mul(self.record_len())?;
        let record = self.records.get(start..start + self.record_len())?;
        let (key, reference) = record.split_at(self.key_len);
        Some((key, u32::from_le_bytes(*reference.first_chunk()?)))
    }

    /// Binary search in the key's bucket: one step or two in a table of digests, and no more than
    /// log2 of the table when a list of made-up keys fills one bucket.
    fn find(&self, key: &[u8]) -> Option<u32> {
        let at = bucket(key, self.directory_bits);
        let mut low = self.directory.get(at)?.get() as usize;
        let mut high = self.directory.get(at + 1)?.get() as usize;
        while low < high {
            let middle = low + (high - low) / 2;
            let (found, reference) = self.record(middle)?;
            match found.cmp(key) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Equal => return Some(reference),
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        None
    }

    fn verify(&self, kind: Kind, references: &mut References) -> Result<(), Error> {
        let wrong_key = |record: usize, what| -> Error {
            Problem::Record { section: self.kinds.0, record: record as u64, what }.into()
        };
        let mut directory = vec![0u32; (1 << self.directory_bits) + 1];
        let mut before: Option<&[u8]> = None;
        for at in 0..self.len() {
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
        assert_eq!(directory_bits(7), 0);
        assert_eq!(directory_bits(8), 1);
        assert_eq!(directory_bits(1 << 20), 18);
        assert_eq!(directory_bits(u64::MAX), MAX_DIRECTORY_BITS);
    }
}
