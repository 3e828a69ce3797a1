//! Multi-index hashing: pieces of a hash looked up exactly, or almost.
//!
//! M. Norouzi, A. Punjani, D. J. Fleet, "Fast exact search in Hamming space with multi-index
//! hashing", 2014; with different numbers of turned bits in different slots as in J. Qin et al.,
//! "GPH: similarity search in Hamming space", 2018. The bits of a hash are dealt out to slots. Two
//! hashes that differ in at most `radius` bits differ in at most `flips(i)` bits of some slot `i`,
//! whenever the sum of `flips(i) + 1` exceeds `radius` (pigeonhole). So:
//!
//! ```text
//! for each slot, for each way to turn up to flips(slot) of its directory's bits:   probe
//!     for each id in that bucket whose tag differs in no more than the flips left:  candidate
//!         if its key is within the radius, and no earlier slot gives it: hit
//! ```
//!
//! A tag holds bits of the slot beyond the directory's in the part of an id that the position
//! leaves free. So a slot can be much wider than its directory, which keeps candidates few without
//! making the directory large.
//!
//! Time goes into waiting for memory. Probes therefore run through four stages, a chunk at a time:
//! while one chunk's ids are looked at, the offsets of the next are read and those of the one after
//! it are asked for, one probe of each in turn. So what is asked for arrives while other work is
//! done, and never more is asked for at once than a processor keeps track of. The next query's chunks
//! follow the last one's without a pause.

use std::sync::OnceLock;

use lykta_hash::Pdq;
use zerocopy::little_endian::U32;

use super::clock::{Clock, Stage};
use super::cost::Allocation;
use super::slots::{MAX_FLIPS, Mask, Slot, Slots, low_bits, masks, words};
use crate::format::MAX_DIRECTORY_BITS;
use crate::hamming::{Hit, IdRange, Kernel, Key, Wanted, prefetch};

/// Probes that go through a stage together: enough for their cache misses to overlap, few enough for
/// what they fetch to stay in the level-1 cache until the next stage.
const CHUNK: usize = 32;

/// What a candidate costs, in ids. A query that looks at as many ids as the list has hashes is left to
/// the scan: that happens where hashes crowd buckets, and the scan reads memory in order.
const IDS_PER_CANDIDATE: usize = 8;

/// The structure as it lies in a file.
#[derive(Clone, Copy)]
pub(crate) struct Mih<'a> {
    pub(crate) slots: &'a Slots,
    /// MIH_TABLES.
    pub(crate) tables: &'a [U32],
    pub(crate) keys: &'a [Key],
}

/// A hit of one of several queries. Order: query, then distance, then position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct QueryHit {
    /// Which query.
    pub(crate) query: u32,
    /// The key that was found.
    pub(crate) hit: Hit,
}

/// Buffers of a search, kept from one to the next.
#[derive(Default)]
pub(crate) struct Scratch {
    probes: Probes,
    ranges: Ranges,
    /// Kept for its memory.
    spare: Ranges,
    candidates: Candidates,
    /// Hits of all queries, in no order, each once.
    pub(crate) hits: Vec<QueryHit>,
    /// Of one chunk.
    found: Vec<Hit>,
    /// Queries that the scan must answer; their hits are to be thrown away.
    pub(crate) crowded: Vec<u32>,
    /// What was done.
    pub(crate) counts: Counts,
}

/// What searches did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) probes: u64,
    pub(crate) ids: u64,
    pub(crate) candidates: u64,
}

/// Which query and slot a chunk belongs to.
#[derive(Clone, Copy, Default)]
struct Job {
    query: usize,
    slot: usize,
    flips: usize,
    /// The query's own bucket in the slot.
    own: u32,
    tag: u32,
}

/// Buckets to look up: the query's own, turned by each mask.
#[derive(Clone, Copy, Default)]
struct Probes {
    job: Job,
    masks: &'static [Mask],
}

/// What is in those buckets: of the slot's ids, or of keys when they lie in its order.
#[derive(Default)]
struct Ranges {
    job: Job,
    ranges: Vec<IdRange>,
}

/// Keys to compare.
#[derive(Default)]
struct Candidates {
    job: Job,
    positions: Vec<u32>,
}

impl<'a> Mih<'a> {
    fn offsets(&self, slot: &Slot) -> &'a [U32] {
        self.tables.get(slot.first_offset..slot.first_offset + slot.shape.offsets()).unwrap_or_default()
    }

    /// The ids of a slot; none for the one in whose order the keys lie.
    fn ids(&self, slot: &Slot) -> Option<&'a [U32]> {
        self.tables.get(slot.first_id?..)?.get(..self.keys.len())
    }

    /// Searches all queries. What is found is in `scratch.hits`.
    pub(crate) fn search(
        &self,
        kernel: Kernel,
        queries: &[Pdq],
        radius: u32,
        allocation: &Allocation,
        scratch: &mut Scratch,
        clock: &mut impl Clock,
    ) {
        scratch.hits.clear();
        scratch.crowded.clear();
        scratch.counts = Counts::default();
        let mut search =
            Search { mih: *self, kernel, queries, radius, allocation, scratch, looked_at: (0, 0) };
        for query in 0..queries.len() {
            for (slot, flips) in allocation.flips.iter().enumerate() {
                let Some(flips) = *flips else { continue };
                search.slot(query, slot, flips, clock);
            }
        }
        // Three chunks of nothing push out what is still on its way.
        (0..3).for_each(|_| search.advance(Probes::default(), clock));
        clock.enter(Stage::Other);
    }
}

/// Stage 1 of a chunk: asks for its offsets.
struct OffsetsToAsk<'a> {
    own: u32,
    masks: &'static [Mask],
    offsets: &'a [U32],
}

impl<'a> OffsetsToAsk<'a> {
    fn of(mih: Mih<'a>, probes: &Probes) -> Self {
        let offsets = mih.slots.slots.get(probes.job.slot).map(|slot| mih.offsets(slot));
        Self { own: probes.job.own, masks: probes.masks, offsets: offsets.unwrap_or_default() }
    }

    #[inline(always)]
    fn one(&self, i: usize) {
        prefetch(self.masks.get(i).and_then(|mask| self.offsets.get((self.own ^ mask.bits) as usize)));
    }
}

/// Stage 2 of a chunk: offsets have arrived; asks for ids, or keys where a bucket is a run of them.
struct LookUp<'a> {
    own: u32,
    flips: u8,
    masks: &'static [Mask],
    offsets: &'a [U32],
    ids: Option<&'a [U32]>,
    keys: &'a [Key],
}

impl<'a> LookUp<'a> {
    fn of(mih: Mih<'a>, probes: &Probes) -> Self {
        let (job, slot) = (probes.job, mih.slots.slots.get(probes.job.slot));
        Self {
            own: job.own,
            flips: job.flips as u8,
            masks: probes.masks,
            offsets: slot.map(|slot| mih.offsets(slot)).unwrap_or_default(),
            ids: slot.and_then(|slot| mih.ids(slot)),
            keys: mih.keys,
        }
    }

    #[inline(always)]
    fn one(&self, i: usize, ranges: &mut Vec<IdRange>) {
        let Some(mask) = self.masks.get(i) else { return };
        let bucket = (self.own ^ mask.bits) as usize;
        let Some([start, end]) = self.offsets.get(bucket..).and_then(<[U32]>::first_chunk) else { return };
        let (start, end) = (start.get(), end.get());
        // Empty, or of a damaged file.
        if start >= end {
            return;
        }
        // Most buckets lie in one cache line or two.
        let (first, last) = (start as usize, end as usize - 1);
        match self.ids {
            Some(ids) => {
                prefetch(ids.get(first));
                prefetch(ids.get(last));
            }
            None => {
                prefetch(self.keys.get(first));
                prefetch(self.keys.get(last));
            }
        }
        ranges.push(IdRange { start, end, allowed: self.flips - mask.turned });
    }
}

/// One search under way.
struct Search<'s, 'a> {
    mih: Mih<'a>,
    kernel: Kernel,
    queries: &'s [Pdq],
    radius: u32,
    allocation: &'s Allocation,
    scratch: &'s mut Scratch,
    /// A query, and what it has cost so far, in ids.
    looked_at: (usize, usize),
}

impl Search<'_, '_> {
    /// Sends the probes of one slot through the stages.
    fn slot(&mut self, query: usize, slot: usize, flips: usize, clock: &mut impl Clock) {
        let (number, Some(slot)) = (slot, self.mih.slots.slots.get(slot)) else { return };
        let shape = &slot.shape;
        let (own, tag) = shape.split(shape.value(&self.queries[query].0));
        let job = Job { query, slot: number, flips, own: own as u32, tag };
        for masks in all_masks(shape.directory_bits, flips).chunks(CHUNK) {
            self.advance(Probes { job, masks }, clock);
            self.scratch.counts.probes += masks.len() as u64;
        }
    }

    /// Moves every chunk one stage on and lets a new one in.
    fn advance(&mut self, new: Probes, clock: &mut impl Clock) {
        clock.enter(Stage::Keys);
        self.compare();
        clock.enter(Stage::Buckets);
        let probes = std::mem::replace(&mut self.scratch.probes, new);
        let mut looked_up = std::mem::take(&mut self.scratch.spare);
        looked_up.job = probes.job;
        let ranges = std::mem::take(&mut self.scratch.ranges);
        self.scratch.candidates.job = ranges.job;

        let mih = self.mih;
        let (ask, look_up) = (OffsetsToAsk::of(mih, &new), LookUp::of(mih, &probes));
        let mut one_each = |i: usize| {
            ask.one(i);
            look_up.one(i, &mut looked_up.ranges);
        };
        let filtered = self.filter(&ranges, &mut one_each);
        (filtered..CHUNK).for_each(one_each);

        for position in &self.scratch.candidates.positions {
            prefetch(mih.keys.get(*position as usize));
        }
        self.scratch.ranges = looked_up;
        self.scratch.spare = ranges;
        self.scratch.spare.ranges.clear();
    }

    /// Stage 3: ids have arrived; takes those whose tag is near. Runs `before_each` before each range
    /// and says how often it did.
    fn filter(&mut self, ranges: &Ranges, before_each: &mut impl FnMut(usize)) -> usize {
        let Scratch { candidates: Candidates { positions, .. }, crowded, counts, .. } = &mut *self.scratch;
        let (Ranges { job, ranges }, mih) = (ranges, self.mih);
        let Some(slot) = mih.slots.slots.get(job.slot) else { return 0 };
        if self.looked_at.0 != job.query {
            self.looked_at = (job.query, 0);
        }
        let keys = mih.keys.len();
        let asked: usize = ranges.iter().map(|range| (range.end - range.start) as usize).sum();
        let mut done = 0;
        match mih.ids(slot) {
            // Asked before anything is done, so that a bucket is not looked at whose size is a lie.
            _ if self.looked_at.1 + asked > keys => self.looked_at.1 = usize::MAX / 2,
            Some(ids) => {
                let tag = job.tag.checked_shl(mih.slots.id_bits).unwrap_or(0);
                let wanted = Wanted { position_bits: low_bits(mih.slots.id_bits), tag };
                self.kernel.filter(ids, &wanted, ranges, before_each, positions);
                counts.ids += asked as u64;
                done = ranges.len();
            }
            None => positions.extend(ranges.iter().flat_map(|range| range.start..range.end)),
        }
        self.looked_at.1 += asked + IDS_PER_CANDIDATE * positions.len();
        if self.looked_at.1 > keys {
            positions.clear();
            if crowded.last() != Some(&(job.query as u32)) {
                crowded.push(job.query as u32);
            }
        }
        done
    }

    /// Stage 4: keys have arrived.
    fn compare(&mut self) {
        let Scratch { candidates: Candidates { job, positions }, hits, found, counts, .. } =
            &mut *self.scratch;
        let (job, keys) = (*job, self.mih.keys);
        let Some(query) = self.queries.get(job.query) else { return };
        counts.candidates += positions.len() as u64;
        found.clear();
        self.kernel.compare(keys, positions, &query.0, self.radius, found);
        positions.clear();
        // An earlier slot gives it as well.
        let earlier = self.mih.slots.slots.iter().zip(&self.allocation.flips).take(job.slot);
        let found_before = |key: &Key| {
            let (key, query) = (words(key), words(&query.0));
            earlier.clone().any(|(slot, flips)| {
                let differing: u32 = (0..4).map(|i| ((key[i] ^ query[i]) & slot.mask[i]).count_ones()).sum();
                flips.is_some_and(|flips| differing as usize <= flips)
            })
        };
        for hit in found.drain(..) {
            if keys.get(hit.id as usize).is_some_and(|key| !found_before(key)) {
                hits.push(QueryHit { query: job.query as u32, hit });
            }
        }
    }
}

/// The masks of every directory, made when first needed.
fn all_masks(directory_bits: u32, flips: usize) -> &'static [Mask] {
    static MASKS: [[OnceLock<Vec<Mask>>; MAX_FLIPS + 1]; MAX_DIRECTORY_BITS as usize + 1] =
        [const { [const { OnceLock::new() }; MAX_FLIPS + 1] }; MAX_DIRECTORY_BITS as usize + 1];
    let cell = MASKS.get(directory_bits as usize).and_then(|cells| cells.get(flips));
    cell.map_or(&[], |cell| cell.get_or_init(|| masks(directory_bits, flips)))
}
