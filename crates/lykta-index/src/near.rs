//! Exact near search: every hash within a radius, whatever structure finds it.
//!
//! Three structures, one answer. The flat scan reads all keys with vector instructions; the BK-tree
//! prunes by the triangle inequality; multi-index hashing looks up pieces of the hash. Which one a
//! file was built for is chosen by cost or by the user. Multi-index hashing gives way to the scan at
//! radii where it would be slower, and either does where a damaged file has made it unusable.

pub(crate) mod bk;
pub(crate) mod clock;
pub(crate) mod cost;
pub(crate) mod design;
mod explain;
pub(crate) mod flat;
pub(crate) mod mih;
pub(crate) mod order;
pub(crate) mod slots;
pub(crate) mod tables;

use std::cell::RefCell;
use std::fmt;
use std::str::FromStr;

use lykta_hash::Pdq;

use crate::entry::EntryId;
use crate::format::SectionKind;
use crate::hamming::{Hit, Kernel, Key};
use crate::layout::View;

pub use explain::{Explanation, Plan, SlotPlan};

/// An entry whose hash lies within the radius. Order: distance, then entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Near {
    /// Bits in which the hashes differ, 0..=256.
    pub distance: u32,
    /// The entry.
    pub entry: EntryId,
    /// The hash that the list has.
    pub pdq: Pdq,
}

/// A structure for near search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Structure {
    /// Burkhard-Keller tree: best at small radii.
    Bk,
    /// Multi-index hashing: best for long lists.
    Mih,
    /// Every key compared: best for short lists and for very large radii.
    Flat,
}

impl Structure {
    /// The name in arguments and results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bk => "bk",
            Self::Mih => "mih",
            Self::Flat => "flat",
        }
    }
}

impl fmt::Display for Structure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Structure {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        [Self::Bk, Self::Mih, Self::Flat]
            .into_iter()
            .find(|structure| structure.name() == name)
            .ok_or_else(|| format!("no near structure {name:?}: bk, mih or flat"))
    }
}

/// Buffers of a search, kept from one to the next.
#[derive(Default)]
struct Scratch {
    mih: mih::Scratch,
    hits: Vec<Hit>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl<'a> View<'a> {
    /// Every hash with each of its entries, in the order of the keys. A damaged file in which many keys
    /// share a run of entries gives no more than the keys and the runs together.
    pub(crate) fn pdqs(self) -> impl Iterator<Item = (Pdq, EntryId)> + 'a {
        let most = self.keys().len() + self.u32s(SectionKind::Postings).len();
        let with_refs = self.keys().iter().zip(self.u32s(SectionKind::PdqRefs));
        let entries = with_refs.flat_map(move |(key, reference)| {
            self.entry_ids(reference.get()).map(move |entry| (Pdq(*key), entry))
        });
        entries.take(most)
    }

    pub(crate) fn structure(self) -> Structure {
        if self.layout.slots.is_some() {
            Structure::Mih
        } else if self.layout.section(SectionKind::BkNodes).is_some() {
            Structure::Bk
        } else {
            Structure::Flat
        }
    }

    /// Multi-index hashing, when the file has it and it beats the scan at this radius.
    fn mih(self, radius: u32) -> Option<(mih::Mih<'a>, &'a cost::Allocation)> {
        let (slots, keys) = (self.layout.slots.as_ref()?, self.keys());
        let allocation = slots.allocation(radius)?;
        let worthwhile = allocation.cost.nanoseconds < cost::flat(keys.len());
        let tables = self.u32s(SectionKind::MihTables);
        worthwhile.then_some((mih::Mih { slots, tables, keys }, allocation))
    }

    /// Answers all queries, in their order. No allocation for a query without an answer, once the
    /// thread's buffers have grown to their size.
    pub(crate) fn near_batch(self, queries: &[Pdq], radius: u32) -> Vec<Vec<Near>> {
        let mut answers: Vec<Vec<Near>> = vec![Vec::new(); queries.len()];
        SCRATCH.with_borrow_mut(|scratch| match self.mih(radius) {
            Some((mih, allocation)) => {
                let scratch = &mut scratch.mih;
                mih.search(Kernel::best(), queries, radius, allocation, scratch, &mut clock::NoClock);
                self.take_hits(queries, radius, scratch, &mut answers);
            }
            None if self.structure() == Structure::Bk => {
                for (query, answer) in queries.iter().zip(&mut answers) {
                    scratch.hits.clear();
                    self.search_tree(query, radius, &mut scratch.hits);
                    scratch.hits.sort_unstable();
                    scratch.hits.dedup();
                    *answer = self.entries_of(scratch.hits.iter().copied());
                }
            }
            None => {
                let hits = flat::search(Kernel::best(), self.keys(), queries, radius);
                for (hits, answer) in hits.into_iter().zip(&mut answers) {
                    *answer = self.entries_of(hits.into_iter());
                }
            }
        });
        answers
    }

    /// Turns what multi-index hashing has found into answers, and has the scan answer what it left.
    fn take_hits(self, queries: &[Pdq], radius: u32, scratch: &mut mih::Scratch, answers: &mut [Vec<Near>]) {
        scratch.hits.sort_unstable();
        for hits in scratch.hits.chunk_by(|a, b| a.query == b.query) {
            if let Some(answer) = answers.get_mut(hits[0].query as usize) {
                *answer = self.entries_of(hits.iter().map(|found| found.hit));
            }
        }
        let crowded: Vec<Pdq> =
            scratch.crowded.iter().filter_map(|query| queries.get(*query as usize)).copied().collect();
        let scanned = flat::search(Kernel::best(), self.keys(), &crowded, radius);
        for (query, hits) in scratch.crowded.iter().zip(scanned) {
            if let Some(answer) = answers.get_mut(*query as usize) {
                *answer = self.entries_of(hits.into_iter());
            }
        }
    }

    /// The tree's answer; the scan's, when a damaged file's nodes lead nowhere.
    fn search_tree(self, query: &Pdq, radius: u32, hits: &mut Vec<Hit>) {
        let (nodes, keys) = (self.records(SectionKind::BkNodes), self.keys());
        if !(bk::Bk { nodes, keys }).search(Kernel::best(), &query.0, radius, hits) {
            hits.clear();
            Kernel::best().scan(keys, 0, &query.0, radius, hits);
        }
    }

    /// The entries behind the hits, each a different key, in the order of the answer.
    fn entries_of(self, hits: impl ExactSizeIterator<Item = Hit>) -> Vec<Near> {
        let keys: &[Key] = self.keys();
        let refs = self.u32s(SectionKind::PdqRefs);
        let mut near = Vec::with_capacity(hits.len());
        // Runs of POSTINGS belong to one hash each; a made-up file in which many share one would
        // give many times its own length.
        let most = hits.len() + self.u32s(SectionKind::Postings).len();
        for hit in hits {
            let at = hit.id as usize;
            if let (Some(key), Some(reference)) = (keys.get(at), refs.get(at)) {
                let entries = self.entry_ids(reference.get());
                let room = most - near.len();
                near.extend(entries.take(room).map(|entry| Near {
                    distance: hit.distance,
                    entry,
                    pdq: Pdq(*key),
                }));
            }
        }
        near.sort_unstable();
        near
    }
}
