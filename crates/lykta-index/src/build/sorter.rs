//! Records sorted in bounded memory: runs on disk, merged.
//!
//! A record is the bytes that it is sorted by, with the number of its entry last, most significant
//! byte first. So no two records are equal unless they mean the same, and the order does not depend
//! on how they were cut into runs.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use rayon::slice::ParallelSliceMut;

use super::spool::temporary_in;
use crate::error::Error;

const READ: &str = "read a temporary file in the index's folder";
const WRITE: &str = "write a temporary file in the index's folder";

/// Largest piece of a run that is read at once, in bytes.
const MOST_READ: usize = 1 << 20;

/// Collects records of `L` bytes.
#[derive(Default)]
pub(crate) struct Sorter<const L: usize> {
    records: Vec<[u8; L]>,
    file: Option<File>,
    /// Records in each run; runs follow one another in the file.
    runs: Vec<usize>,
}

impl<const L: usize> Sorter<L> {
    pub(crate) fn push(&mut self, record: [u8; L]) {
        self.records.push(record);
    }

    /// Bytes of records held in memory.
    pub(crate) fn memory(&self) -> u64 {
        (self.records.len() * L) as u64
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.records.is_empty() && self.runs.is_empty()
    }

    /// Sorts what is in memory and writes it to disk.
    pub(crate) fn spill(&mut self, folder: &Path) -> Result<(), Error> {
        if self.records.is_empty() {
            return Ok(());
        }
        sort(&mut self.records);
        let file = match &mut self.file {
            Some(file) => file,
            None => self.file.insert(temporary_in(folder)?),
        };
        file.write_all(self.records.as_flattened()).map_err(Error::io(WRITE))?;
        self.runs.push(self.records.len());
        self.records = Vec::new();
        Ok(())
    }

    /// The records in order; the rest is written to disk as well if some are there already. Reading
    /// takes about `memory` bytes beside what is held.
    pub(crate) fn into_sorted(mut self, folder: Option<&Path>, memory: u64) -> Result<Sorted<L>, Error> {
        if let (false, Some(folder)) = (self.runs.is_empty(), folder) {
            self.spill(folder)?;
        }
        let Some(file) = self.file else {
            sort(&mut self.records);
            return Ok(Sorted::Memory(self.records.into_iter()));
        };
        let share = memory as usize / self.runs.len().max(1) / L * L;
        let mut merge = Merge { file, runs: Vec::new(), heap: BinaryHeap::new() };
        let mut start = 0;
        for length in self.runs {
            let end = start + (length * L) as u64;
            merge.runs.push(Run {
                start,
                end,
                piece: Vec::new(),
                at: 0,
                most: share.clamp(L, MOST_READ / L * L),
            });
            start = end;
        }
        for number in 0..merge.runs.len() {
            merge.push_next_of(number)?;
        }
        Ok(Sorted::Merged(merge))
    }
}

/// By bytes; the first eight as a number, which settles nearly every comparison.
fn sort<const L: usize>(records: &mut [[u8; L]]) {
    records.par_sort_unstable_by(compare);
}

fn compare<const L: usize>(a: &[u8; L], b: &[u8; L]) -> Ordering {
    head(a).cmp(&head(b)).then_with(|| a.cmp(b))
}

fn head<const L: usize>(record: &[u8; L]) -> u64 {
    record.first_chunk().map_or(0, |head| u64::from_be_bytes(*head))
}

/// Records in ascending order.
pub(crate) enum Sorted<const L: usize> {
    Memory(std::vec::IntoIter<[u8; L]>),
    Merged(Merge<L>),
}

impl<const L: usize> Sorted<L> {
    pub(crate) fn next(&mut self) -> Result<Option<[u8; L]>, Error> {
        match self {
            Self::Memory(records) => Ok(records.next()),
            Self::Merged(merge) => merge.next(),
        }
    }
}

/// Runs that are read at the same time.
pub(crate) struct Merge<const L: usize> {
    file: File,
    runs: Vec<Run>,
    /// The next record of each run that has one, with the run's number.
    heap: BinaryHeap<Reverse<(Record<L>, usize)>>,
}

struct Run {
    /// What of it has not been read yet: offsets in the file.
    start: u64,
    end: u64,
    piece: Vec<u8>,
    at: usize,
    /// Longest piece, in bytes.
    most: usize,
}

#[derive(PartialEq, Eq)]
struct Record<const L: usize>([u8; L]);

impl<const L: usize> Ord for Record<L> {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

impl<const L: usize> PartialOrd for Record<L> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<const L: usize> Merge<L> {
    fn next(&mut self) -> Result<Option<[u8; L]>, Error> {
        let Some(mut least) = self.heap.peek_mut() else { return Ok(None) };
        let Reverse((record, number)) = &mut *least;
        let run = &mut self.runs[*number];
        match run.next(&mut self.file)? {
            Some(next) => Ok(Some(std::mem::replace(record, Record(next)).0)),
            None => {
                let Reverse((record, _)) = std::collections::binary_heap::PeekMut::pop(least);
                Ok(Some(record.0))
            }
        }
    }

    fn push_next_of(&mut self, number: usize) -> Result<(), Error> {
        if let Some(record) = self.runs[number].next(&mut self.file)? {
            self.heap.push(Reverse((Record(record), number)));
        }
        Ok(())
    }
}

impl Run {
    fn next<const L: usize>(&mut self, file: &mut File) -> Result<Option<[u8; L]>, Error> {
        if self.at == self.piece.len() {
            self.read(file)?;
        }
        let record = self.piece.get(self.at..).and_then(<[u8]>::first_chunk).copied();
        self.at += record.map_or(0, |_| L);
        Ok(record)
    }

    fn read(&mut self, file: &mut File) -> Result<(), Error> {
        let length = (self.end - self.start).min(self.most as u64);
        self.piece.resize(length as usize, 0);
        file.seek(SeekFrom::Start(self.start)).map_err(Error::io(READ))?;
        file.read_exact(&mut self.piece).map_err(Error::io(READ))?;
        self.start += length;
        self.at = 0;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(200))]

        #[test]
        fn records_come_in_order_however_they_were_cut_into_runs(
            runs in prop::collection::vec(prop::collection::vec(any::<[u8; 9]>(), 0..40), 0..9),
            memory in 0u64..2000,
        ) {
            let folder = tempfile::tempdir().expect("a temporary folder");
            let mut sorter = Sorter::<9>::default();
            let last = runs.len();
            for (number, run) in runs.iter().enumerate() {
                run.iter().for_each(|record| sorter.push(*record));
                if number + 1 < last {
                    sorter.spill(folder.path()).expect("space");
                }
            }
            let mut expected = runs.concat();
            expected.sort_unstable();
            prop_assert_eq!(sorter.is_empty(), expected.is_empty());
            let mut sorted = sorter.into_sorted(Some(folder.path()), memory).expect("space");
            let mut got = Vec::new();
            while let Some(record) = sorted.next().expect("readable") {
                got.push(record);
            }
            prop_assert_eq!(got, expected);
        }
    }
}
