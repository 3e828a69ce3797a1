//! Exact near search: every hash within a radius, whatever structure finds it.
//!
//! Three structures, one answer. The flat scan reads all keys with vector instructions; the BK-tree
//! prunes by the triangle inequality; multi-index hashing looks up pieces of the hash. Which one a
//! file was built for is chosen by cost or by the user. Multi-index hashing gives way to the scan at
//! radii where it would be slower, and either does where a damaged file has made it unusable.

pub(crate) mod bk;
pub(crate) mod cost;
pub(crate) mod flat;
pub(crate) mod mih;
pub(crate) mod slots;

use std::fmt;
use std::str::FromStr;

use lykta_hash::Pdq;

use crate::entry::EntryId;
use crate::format::SectionKind;
use crate::hamming::{Hit, Kernel, Key};
use crate::layout::View;

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

/// How an index answers at one radius.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The structure that the file holds.
    pub built: Structure,
    /// The structure that will answer.
    pub used: Structure,
}

/// Buffers of a search, kept from one query to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    mih: mih::Scratch,
    hits: Vec<Hit>,
}

impl<'a> View<'a> {
    pub(crate) fn structure(self) -> Structure {
        if self.layout.slots.is_some() {
            Structure::Mih
        } else if self.layout.section(SectionKind::BkNodes).is_some() {
            Structure::Bk
        } else {
            Structure::Flat
        }
    }

    pub(crate) fn plan(self, radius: u32) -> Plan {
        let built = self.structure();
        let keys = self.keys().len() as u64;
        let used = match &self.layout.slots {
            Some(slots) if cost::mih(slots.widths(), keys, radius) >= cost::flat(keys) => Structure::Flat,
            _ => built,
        };
        Plan { built, used }
    }

    /// Answers all queries, in their order.
    pub(crate) fn near_batch(self, queries: &[Pdq], radius: u32) -> Vec<Vec<Near>> {
        let keys = self.keys();
        let kernel = Kernel::best();
        let used = self.plan(radius).used;
        if used == Structure::Flat {
            return flat::search(kernel, keys, queries, radius)
                .into_iter()
                .map(|mut hits| self.entries_of(&mut hits))
                .collect();
        }
        let mut scratch = Scratch::default();
        let mut search = |query: &Pdq| {
            scratch.hits.clear();
            let complete = match (used, &self.layout.slots) {
                (Structure::Mih, Some(slots)) => mih::Mih { slots, view: self, keys }.search(
                    kernel,
                    &query.0,
                    radius,
                    &mut scratch.mih,
                    &mut scratch.hits,
                ),
                _ => {
                    let nodes = self.records(SectionKind::BkNodes);
                    bk::Bk { nodes, keys }.search(kernel, &query.0, radius, &mut scratch.hits)
                }
            };
            if !complete {
                scratch.hits.clear();
                kernel.scan(keys, 0, &query.0, radius, &mut scratch.hits);
            }
            self.entries_of(&mut scratch.hits)
        };
        queries.iter().map(&mut search).collect()
    }

    /// The entries behind the hits, each key once, in the order of the answer.
    fn entries_of(self, hits: &mut Vec<Hit>) -> Vec<Near> {
        hits.sort_unstable();
        hits.dedup();
        let keys: &[Key] = self.keys();
        let refs = self.u32s(SectionKind::PdqRefs);
        let mut near = Vec::with_capacity(hits.len());
        // Runs of POSTINGS belong to one hash each; a made-up file in which many share one would
        // give many times its own length.
        let most = hits.len() + self.u32s(SectionKind::Postings).len();
        for hit in hits.iter() {
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
