//! From sorted pairs of hash and entry to hashes that are stored once.

use super::sorter::Sorted;
use super::spool::{Place, Spool};
use crate::error::{Error, Problem};
use crate::format::MANY;

/// Bytes of the number of an entry at the end of a record.
pub(crate) const ID_LEN: usize = 4;

/// Gives every hash once with the reference to its entries, in order. What it is given is the record
/// without the number of its entry. Returns how many hashes there are.
pub(crate) fn collapse<const L: usize>(
    mut sorted: Sorted<L>,
    groups: &mut Groups,
    mut each: impl FnMut(&[u8], u32) -> Result<(), Error>,
) -> Result<u64, Error> {
    let mut keys = 0;
    let mut next = sorted.next()?;
    while let Some(first) = next {
        let (key, id) = split(&first);
        groups.begin(id);
        loop {
            next = sorted.next()?;
            match next.as_ref().map(split).filter(|(same, _)| *same == key) {
                Some((_, id)) => groups.add(id)?,
                None => break,
            }
        }
        each(key, groups.end()?)?;
        keys += 1;
        // Positions in a table are 32 bits: with several hashes of a kind an entry there could be more.
        if keys > u64::from(u32::MAX) {
            return Err(Problem::TooLarge("different hashes of one kind").into());
        }
    }
    Ok(keys)
}

fn split<const L: usize>(record: &[u8; L]) -> (&[u8], u32) {
    let (key, id) = record.split_at(L - ID_LEN);
    (key, id.first_chunk().map_or(0, |id| u32::from_be_bytes(*id)))
}

/// The runs of POSTINGS as they are made, and what lists gave more than once.
pub(crate) struct Groups {
    /// POSTINGS, so far.
    postings: Spool,
    /// The group that is open: its first entry, its last, and where its run is if it has one.
    first: u32,
    last: u32,
    run: Option<u64>,
    /// Whether it has more than one record.
    shared: bool,
    /// Number of the open group, from 1.
    group: u64,
    sources: Sources,
}

/// Which list an entry is of, and how often each gave a hash again.
pub(crate) struct Sources {
    stretches: Vec<(u32, u32)>,
    /// For each list the last group that has an entry of it.
    seen_in: Vec<u64>,
    duplicates: Vec<u64>,
}

impl Sources {
    /// `stretches`: the first entry of each stretch of entries of one source, and the source.
    pub(crate) fn new(stretches: Vec<(u32, u32)>, sources: usize) -> Self {
        Self { stretches, seen_in: vec![0; sources], duplicates: vec![0; sources] }
    }

    fn meet(&mut self, id: u32, group: u64) {
        let after = self.stretches.partition_point(|(first, _)| *first <= id);
        let source = after.checked_sub(1).map_or(0, |at| self.stretches[at].1 as usize);
        if std::mem::replace(&mut self.seen_in[source], group) == group {
            self.duplicates[source] += 1;
        }
    }
}

impl Groups {
    pub(crate) fn new(place: &Place, sources: Sources) -> Self {
        Self { postings: Spool::new(place), first: 0, last: 0, run: None, shared: false, group: 0, sources }
    }

    fn begin(&mut self, id: u32) {
        self.group += 1;
        (self.first, self.last, self.run, self.shared) = (id, id, None, false);
    }

    /// Adds an entry that is not before the last one.
    fn add(&mut self, id: u32) -> Result<(), Error> {
        if !self.shared {
            self.shared = true;
            self.sources.meet(self.first, self.group);
        }
        self.sources.meet(id, self.group);
        if id == self.last {
            return Ok(());
        }
        if self.run.is_none() {
            self.run = Some(self.postings.len());
            self.postings.put(&[0; 4])?;
            self.postings.put(&self.first.to_le_bytes())?;
        }
        self.last = id;
        self.postings.put(&id.to_le_bytes())
    }

    /// The reference to the entries of the open group.
    fn end(&mut self) -> Result<u32, Error> {
        let Some(run) = self.run.take() else { return Ok(self.first) };
        let entries = (self.postings.len() - run) / 4 - 1;
        self.postings.replace(run, &(entries as u32).to_le_bytes())?;
        let at = u32::try_from(run / 4).ok().filter(|at| at & MANY == 0);
        Ok(at.ok_or(Problem::TooLarge("hashes with several entries"))? | MANY)
    }

    /// POSTINGS, and the duplicates of each source.
    pub(crate) fn finish(self) -> (Spool, Vec<u64>) {
        (self.postings, self.sources.duplicates)
    }
}
