//! How much disk a build takes, said before it begins.

/// Disk space that building an index takes, estimated from above for lists of hexadecimal hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DiskEstimate {
    /// Bytes of the index.
    pub index: u64,
    /// Bytes of temporary files, needed beside the index until it is written.
    pub temporary: u64,
}

/// Bytes of an index that hardly depend on the list.
const AT_LEAST: u64 = 1 << 20;

impl DiskEstimate {
    /// The estimate for lists of `list_bytes` together, built with `memory` bytes
    /// ([`BuildOptions::memory`](crate::BuildOptions::memory)).
    ///
    /// A hash takes two digits and a line end for each byte in its list. In an index a PDQ hash with
    /// its slots takes up to 100 bytes, any other its own length and 5; the columns of an entry are at
    /// most 28 bytes, and most lists need none or few of them.
    pub fn new(list_bytes: u64, memory: u64) -> Self {
        // Records of PDQ have 40 bytes for 65 of the list, those of 64-bit hashes 12 for 17.
        let records = list_bytes / 4 * 3;
        let spilled = if records > memory { records } else { 0 };
        Self {
            index: list_bytes.saturating_mul(2).saturating_add(AT_LEAST),
            temporary: (list_bytes / 2).saturating_add(spilled),
        }
    }

    /// Index and temporary files together.
    pub fn total(&self) -> u64 {
        self.index.saturating_add(self.temporary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BuildOptions, Builder, NewEntry, Source};
    use lykta_hash::{Hash, Kind, text::to_hex};

    #[test]
    fn an_index_takes_no_more_than_was_said() {
        for kind in Kind::ALL {
            for named in [false, true] {
                let mut builder = Builder::new(BuildOptions::default());
                let list = builder.add_source(Source::default());
                let mut list_bytes = 0;
                for row in 1..=60_000u64 {
                    let bytes: Vec<u8> =
                        blake3::hash(&row.to_le_bytes()).as_bytes()[..kind.byte_len()].to_vec();
                    let text = to_hex(&bytes);
                    let hash = Hash::from_hex(kind, text.as_bytes()).unwrap();
                    let name = format!("{row}");
                    list_bytes += text.len() as u64 + 1 + if named { name.len() as u64 + 4 } else { 0 };
                    let entry = NewEntry {
                        row,
                        name: named.then_some(&name),
                        hashes: &[hash],
                        pdq_quality: named.then_some((row % 100) as u8 + 1),
                        ..NewEntry::default()
                    };
                    builder.add(list, &entry).unwrap();
                }
                let bytes = builder.into_bytes().unwrap().len() as u64;
                let estimate = DiskEstimate::new(list_bytes, 1 << 30);
                assert!(bytes <= estimate.index, "{kind}: {bytes} bytes, {estimate:?}");
                assert!(estimate.index < 5 * bytes + AT_LEAST, "{kind}: {bytes} bytes, {estimate:?}");
            }
        }
        assert_eq!(DiskEstimate::new(u64::MAX, 1).total(), u64::MAX);
        assert!(
            DiskEstimate::new(8 << 30, 1 << 30).temporary > DiskEstimate::new(8 << 30, 64 << 30).temporary
        );
    }
}
