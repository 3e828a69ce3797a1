//! How an index answers, and where the time of one query goes: for people who wonder.

use std::time::Duration;

use lykta_hash::Pdq;

use super::Structure;
use super::clock::{Clock, Stage, StopWatch};
use super::cost;
use super::mih::Scratch;
use crate::hamming::Kernel;
use crate::layout::View;

/// How an index answers at one radius.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The structure that the file holds.
    pub built: Structure,
    /// The structure that will answer.
    pub used: Structure,
    /// The slots of multi-index hashing; empty for other structures.
    pub slots: Vec<SlotPlan>,
    /// Buckets that a query is expected to look up, in all slots together.
    pub probes: f64,
    /// Ids that it is expected to look at.
    pub ids: f64,
    /// Hashes that it is expected to compare; all of them in a scan.
    pub candidates: f64,
}

/// What a query does in one slot of multi-index hashing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotPlan {
    /// Bits of the slot.
    pub width: u32,
    /// How many of them choose a bucket.
    pub directory_bits: u32,
    /// Most bits that are turned; `None` when the slot is not looked at.
    pub flips: Option<u32>,
}

/// What one query did.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// How it was meant to be answered.
    pub plan: Plan,
    /// The structure that answered in the end: the scan, when buckets were crowded.
    pub used: Structure,
    /// Buckets looked up.
    pub probes: u64,
    /// Ids looked at.
    pub ids: u64,
    /// Hashes compared.
    pub candidates: u64,
    /// Different hashes within the radius.
    pub hits: u64,
    /// Time spent on finding buckets and looking at the ids in them.
    pub buckets_time: Duration,
    /// Time spent on comparing hashes.
    pub keys_time: Duration,
    /// Time of the whole query, up to the hits.
    pub time: Duration,
}

impl View<'_> {
    /// The plan for queries at `radius`.
    pub(crate) fn plan(self, radius: u32) -> Plan {
        let (built, keys) = (self.structure(), self.keys().len());
        let mut plan =
            Plan { built, used: built, slots: Vec::new(), probes: 0.0, ids: 0.0, candidates: keys as f64 };
        match (self.mih(radius), &self.layout.slots) {
            (Some((_, allocation)), Some(slots)) => {
                let cost::Cost { probes, ids, keys, .. } = allocation.cost;
                let slot_plan = |(slot, flips): (&super::slots::Slot, &Option<usize>)| SlotPlan {
                    width: slot.shape.width(),
                    directory_bits: slot.shape.directory_bits,
                    flips: flips.map(|flips| flips as u32),
                };
                let slots = slots.slots.iter().zip(&allocation.flips).map(slot_plan).collect();
                plan = Plan { slots, probes, ids, candidates: keys, ..plan };
            }
            (None, Some(_)) => plan.used = Structure::Flat,
            (_, None) => {}
        }
        plan
    }

    /// Answers one query with a stop-watch. Times are real and differ from run to run; the watch
    /// itself adds to them.
    pub(crate) fn explain(self, query: &Pdq, radius: u32) -> Explanation {
        let plan = self.plan(radius);
        let mut watch = StopWatch::start();
        let begun = std::time::Instant::now();
        let mut explanation = Explanation {
            used: plan.used,
            plan,
            probes: 0,
            ids: 0,
            candidates: self.keys().len() as u64,
            hits: 0,
            buckets_time: Duration::ZERO,
            keys_time: Duration::ZERO,
            time: Duration::ZERO,
        };
        let mut hits = Vec::new();
        let scan = |hits: &mut Vec<_>| Kernel::best().scan(self.keys(), 0, &query.0, radius, hits);
        if let Some((mih, allocation)) = self.mih(radius) {
            let mut scratch = Scratch::default();
            mih.search(Kernel::best(), &[*query], radius, allocation, &mut scratch, &mut watch);
            let counts = scratch.counts;
            explanation.probes = counts.probes;
            explanation.ids = counts.ids;
            explanation.candidates = counts.candidates;
            explanation.hits = scratch.hits.len() as u64;
            if !scratch.crowded.is_empty() {
                watch.enter(Stage::Keys);
                scan(&mut hits);
                explanation.used = Structure::Flat;
                explanation.candidates += self.keys().len() as u64;
                explanation.hits = hits.len() as u64;
            }
        } else {
            watch.enter(Stage::Keys);
            match explanation.used {
                Structure::Bk => self.search_tree(query, radius, &mut hits),
                Structure::Mih | Structure::Flat => scan(&mut hits),
            }
            hits.sort_unstable();
            hits.dedup();
            explanation.hits = hits.len() as u64;
        }
        watch.enter(Stage::Other);
        explanation.time = begun.elapsed();
        explanation.buckets_time = watch.spent[Stage::Buckets as usize];
        explanation.keys_time = watch.spent[Stage::Keys as usize];
        explanation
    }
}
