//! Properties that hold for any bytes, for fuzzing and for the replay of what fuzzing found.

use lykta_hash::{Bits64, Digest, Kind, Pdq};
use zerocopy::{FromBytes, IntoBytes};

use crate::format::{Header, SectionRecord, TABLE_OFFSET};
use crate::near::Near;
use crate::near64::Near64;
use crate::open::Index;

/// Opens `data` as an index, its checksums first made to agree, so that what lies behind them is
/// reached; asks it everything; and when it passes the full check, compares the answers with those
/// of a plain look at each entry.
///
/// # Panics
/// When a query panics, or when an index that passes the full check gives a wrong answer.
pub fn open_and_query(data: &[u8]) {
    let mut data = data.to_vec();
    repair_checksums(&mut data);
    let Ok(index) = Index::new(data) else { return };
    let sound = index.verify().is_ok();
    let view = index.view();
    let queries: Vec<Pdq> =
        view.keys().iter().step_by(1 + view.keys().len() / 8).map(|key| Pdq(*key)).collect();
    for radius in [0, 3, 31, 90, 256] {
        let answers = index.near_batch(&queries, radius);
        for (query, answer) in queries.iter().zip(&answers) {
            for near in answer {
                let _ = index.entry(near.entry);
            }
            if sound {
                assert_eq!(answer, &every_entry_looked_at(&index, query, radius), "radius {radius}");
            }
        }
    }
    for kind in [Kind::Phash, Kind::Dhash] {
        let keys = view.keys64(kind);
        let queries: Vec<Bits64> = keys.iter().step_by(1 + keys.len() / 8).map(|key| Bits64(*key)).collect();
        for radius in [0, 6, 31, 64] {
            let answers = index.near64_batch(kind, &queries, radius);
            for (query, answer) in queries.iter().zip(&answers).filter(|_| sound) {
                assert_eq!(answer, &every_entry_looked_at_64(&index, kind, query, radius), "{kind} {radius}");
            }
        }
    }
    for kind in Kind::DIGESTS {
        let known = digests(&index, kind);
        let asked: Vec<Digest> = known.iter().map(|(digest, _)| *digest).collect();
        let mut batch = vec![Vec::new(); asked.len()];
        index.exact_batch(&asked, |at, entries| batch[at].extend(entries.map(|entry| entry.id.get())));
        for ((digest, reference), batch) in known.into_iter().zip(batch) {
            let found: Vec<u32> = index.exact(&digest).map(|entry| entry.id.get()).collect();
            assert_eq!(found, batch, "{digest:?}, alone and among others");
            if sound {
                let expected: Vec<u32> = view.entry_ids(reference).map(|id| id.get()).collect();
                assert_eq!(found, expected, "{digest:?}");
            }
        }
    }
}

/// The definition of near search.
fn every_entry_looked_at(index: &Index<Vec<u8>>, query: &Pdq, radius: u32) -> Vec<Near> {
    let view = index.view();
    let refs = view.u32s(crate::format::SectionKind::PdqRefs);
    let mut near: Vec<Near> = (view.keys().iter().zip(refs))
        .map(|(key, reference)| (Pdq(*key), reference.get()))
        .filter(|(pdq, _)| pdq.distance(query) <= radius)
        .flat_map(|(pdq, reference)| {
            let distance = pdq.distance(query);
            view.entry_ids(reference).map(move |entry| Near { distance, entry, pdq })
        })
        .collect();
    near.sort_unstable();
    near
}

/// The definition of near search over 64-bit hashes.
fn every_entry_looked_at_64(index: &Index<Vec<u8>>, kind: Kind, query: &Bits64, radius: u32) -> Vec<Near64> {
    let view = index.view();
    let refs = crate::format::SectionKind::near_table(kind).map_or(&[][..], |(_, refs)| view.u32s(refs));
    let mut near: Vec<Near64> = (view.keys64(kind).iter().zip(refs))
        .map(|(key, reference)| (Bits64(*key), reference.get()))
        .filter(|(hash, _)| hash.distance(query) <= radius)
        .flat_map(|(hash, reference)| {
            let distance = hash.distance(query);
            view.entry_ids(reference).map(move |entry| Near64 { distance, entry, hash })
        })
        .collect();
    near.sort_unstable();
    near
}

/// The digests of one kind with their references, read record by record.
fn digests(index: &Index<Vec<u8>>, kind: Kind) -> Vec<(Digest, u32)> {
    let Some((keys, _)) = crate::format::SectionKind::exact_table(kind) else { return Vec::new() };
    let records = index.view().bytes(keys).chunks_exact(keys.record_len());
    records
        .filter_map(|record| {
            let (key, reference) = record.split_at(kind.byte_len());
            let digest = Digest::from_bytes(kind, key).filter(|digest| !digest.is_of_empty_file())?;
            Some((digest, u32::from_le_bytes(*reference.first_chunk()?)))
        })
        .collect()
}

/// Makes every checksum that can be found agree with the bytes it covers.
pub fn repair_checksums(data: &mut [u8]) {
    let Some((header, _)) = data.split_at_checked(TABLE_OFFSET) else { return };
    let Ok(mut header) = Header::read_from_bytes(header) else { return };
    for number in 0..(header.section_count.get() as usize).min(64) {
        let at = TABLE_OFFSET + number * size_of::<SectionRecord>();
        let Some(bytes) = data.get(at..at + size_of::<SectionRecord>()) else { return };
        let Ok(mut record) = SectionRecord::read_from_bytes(bytes) else { return };
        let range = |start: u64, length: u64| {
            Some(usize::try_from(start).ok()?..usize::try_from(start.checked_add(length)?).ok()?)
        };
        let section = range(record.offset.get(), record.length.get()).and_then(|range| data.get(range));
        let Some(section) = section else { continue };
        record.checksum = *blake3::hash(section).as_bytes();
        data[at..at + size_of::<SectionRecord>()].copy_from_slice(record.as_bytes());
    }
    let end = TABLE_OFFSET + (header.section_count.get() as usize).min(64) * size_of::<SectionRecord>();
    let Some(table) = data.get(TABLE_OFFSET..end) else { return };
    let mut checksum = blake3::Hasher::new();
    checksum.update(&header.as_bytes()[..TABLE_OFFSET - 32]);
    checksum.update(table);
    header.checksum = *checksum.finalize().as_bytes();
    data[..TABLE_OFFSET].copy_from_slice(header.as_bytes());
}
