//! What a search by multi-index hashing costs, and how many bits to turn in which slot.
//!
//! A query turns up to `flips` bits in each slot. In a slot it reads the offsets of `probes`
//! buckets, looks at the ids in them, and compares the keys of those whose tag is near as well.
//! Almost all time goes into waiting for memory, so the model counts cache lines. Its constants are
//! measured (docs/performance.md, "Cost model").

use super::slots::{MAX_FLIPS, NewSlot, Slots, ball, shell};

/// Nanoseconds to reach a cache line at random in tables of so many bytes, misses overlapping.
fn access(bytes: f64) -> f64 {
    // Level-2 cache, level-3 cache, memory; in between, part of the accesses find their line.
    const POINTS: [(f64, f64); 4] = [(18.0, 1.0), (20.0, 2.0), (24.0, 4.5), (27.0, 12.0)];
    let size = bytes.max(1.0).log2();
    let above = POINTS.iter().position(|(at, _)| size < *at);
    match above {
        Some(0) => POINTS[0].1,
        None => POINTS[POINTS.len() - 1].1,
        Some(i) => {
            let ((from, low), (to, high)) = (POINTS[i - 1], POINTS[i]);
            low + (high - low) * (size - from) / (to - from)
        }
    }
}

/// Nanoseconds for a cache line behind one that was just read.
const NEXT_LINE: f64 = 3.0;

/// Nanoseconds of work for a bucket, an id, a key.
const BUCKET: f64 = 4.0;
const ID: f64 = 0.15;
const KEY: f64 = 4.0;

/// Nanoseconds for a key of the scan.
const SCAN: f64 = 0.5;

/// Bytes of a cache line.
const LINE: f64 = 64.0;

/// Bits of a bucket's number whose buckets have their offsets in one cache line.
const BUCKETS_IN_LINE: u32 = 4;

/// What a query is expected to do, in one slot or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Buckets looked up.
    pub(crate) probes: f64,
    /// Ids looked at in them.
    pub(crate) ids: f64,
    /// Keys compared.
    pub(crate) keys: f64,
    /// Nanoseconds on one core.
    pub(crate) nanoseconds: f64,
}

impl std::iter::Sum for Cost {
    fn sum<I: Iterator<Item = Self>>(costs: I) -> Self {
        costs.fold(Self::default(), |sum, cost| Self {
            probes: sum.probes + cost.probes,
            ids: sum.ids + cost.ids,
            keys: sum.keys + cost.keys,
            nanoseconds: sum.nanoseconds + cost.nanoseconds,
        })
    }
}

/// Sizes of the tables that a query reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    pub(crate) keys: f64,
    pub(crate) offsets: f64,
    pub(crate) slots: f64,
}

/// The numbers of bits of a slot.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) width: u32,
    pub(crate) directory_bits: u32,
    /// The keys lie in the order of its buckets.
    pub(crate) in_key_order: bool,
}

impl Shape {
    pub(crate) fn of(slot: &NewSlot, in_key_order: bool) -> Self {
        Self { width: slot.width(), directory_bits: slot.directory_bits, in_key_order }
    }

    /// The cost of looking in this slot with `flips` bits turned. `by_width` and `by_directory` are
    /// the shares of hashes that differ from a query in up to that many bits.
    pub(crate) fn cost(&self, flips: usize, sizes: Sizes, by_width: f64, by_directory: f64) -> Cost {
        let probes = ball(self.directory_bits, flips);
        let offset_lines = ball(self.directory_bits.saturating_sub(BUCKETS_IN_LINE), flips);
        let keys = sizes.keys * by_width;
        let key_bytes = sizes.keys * size_of::<crate::hamming::Key>() as f64;
        let offsets = offset_lines * access(sizes.offsets) + probes * BUCKET;
        let mut cost = Cost { probes, ids: 0.0, keys, nanoseconds: offsets };
        if self.in_key_order {
            let first_lines = probes.min(keys);
            cost.nanoseconds += first_lines * access(key_bytes) + (keys - first_lines) * NEXT_LINE;
        } else {
            cost.ids = sizes.keys * by_directory;
            let first_lines = probes.min(cost.ids);
            let more_lines = cost.ids * size_of::<u32>() as f64 / LINE;
            cost.nanoseconds += first_lines * access(sizes.keys * 4.0 * sizes.slots)
                + more_lines * NEXT_LINE
                + cost.ids * ID
                + keys * access(key_bytes);
        }
        cost.nanoseconds += keys * KEY;
        cost
    }

    /// The share of evenly spread hashes that differ in up to 0, 1, 2... of `width` bits.
    pub(crate) fn even_shares(width: u32) -> [f64; MAX_FLIPS + 1] {
        let all = f64::from(width).exp2();
        let mut shares = [0.0; MAX_FLIPS + 1];
        for (share, ways) in shares.iter_mut().zip(shell(width)) {
            *share = ways / all;
        }
        shares
    }
}

/// Expected nanoseconds of a scan of `keys` hashes.
pub(crate) fn flat(keys: usize) -> f64 {
    SCAN * keys as f64
}

/// How a query at one radius uses the slots.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Allocation {
    /// Bits to turn in each slot; `None` for one that need not be looked at.
    pub(crate) flips: Vec<Option<usize>>,
    /// What that is expected to cost.
    pub(crate) cost: Cost,
}

/// The cheapest way to turn bits so that no hash within `radius` is missed: `costs` has for each
/// slot the cost of turning up to 0, 1, 2... bits. `None` when even [`MAX_FLIPS`] in every slot
/// would miss some.
///
/// Pigeonhole: a hash that is missed differs in at least `flips + 1` bits of every slot, or 0 for a
/// slot that is left out. Where these sum up to more than `radius`, nothing within is missed.
pub(crate) fn allocate(costs: &[[Cost; MAX_FLIPS + 1]], radius: u32) -> Option<Allocation> {
    let needed = radius as usize + 1;
    // best[s]: the least cost of having `s` shares with the slots so far; choice: how.
    let mut best = vec![f64::INFINITY; needed + 1];
    best[0] = 0.0;
    let mut choices = Vec::with_capacity(costs.len());
    for slot in costs {
        let mut next = best.clone();
        let mut choice = vec![0usize; needed + 1];
        for (have, before) in best.iter().enumerate().filter(|(_, cost)| cost.is_finite()) {
            for (flips, cost) in slot.iter().enumerate() {
                let shares = (have + flips + 1).min(needed);
                if before + cost.nanoseconds < next[shares] {
                    next[shares] = before + cost.nanoseconds;
                    choice[shares] = shares - have;
                }
            }
        }
        best = next;
        choices.push(choice);
    }
    if !best[needed].is_finite() {
        return None;
    }
    let mut have = needed;
    let mut flips = vec![None; costs.len()];
    for (slot, choice) in choices.iter().enumerate().rev() {
        flips[slot] = choice[have].checked_sub(1);
        have -= choice[have];
    }
    let cost = flips.iter().zip(costs).filter_map(|(flips, costs)| flips.map(|flips| costs[flips])).sum();
    Some(Allocation { flips, cost })
}

impl Slots {
    /// The cheapest way to use the slots at `radius`; `None` when only the scan can answer. Found out
    /// once for each radius.
    pub(crate) fn allocation(&self, radius: u32) -> Option<&Allocation> {
        self.allocations.get(radius as usize)?.get_or_init(|| self.allocate(radius)).as_ref()
    }

    fn allocate(&self, radius: u32) -> Option<Allocation> {
        let offsets: usize = self.slots.iter().map(|slot| slot.shape.offsets() * size_of::<u32>()).sum();
        let sizes = Sizes { keys: self.keys as f64, offsets: offsets as f64, slots: self.slots.len() as f64 };
        let costs: Vec<[Cost; MAX_FLIPS + 1]> = self
            .slots
            .iter()
            .map(|slot| {
                let shape = Shape::of(&slot.shape, slot.first_id.is_none());
                costs_of(&shape, sizes, &slot.pairs_by_width, &slot.pairs_by_directory)
            })
            .collect();
        allocate(&costs, radius)
    }
}

/// The cost of turning up to 0, 1, 2... bits in a slot, from the shares of pairs that differ in
/// exactly so many bits, as a sample has them. What a small sample does not show is taken to be as
/// it is for evenly spread hashes.
pub(crate) fn costs_of(
    shape: &Shape,
    sizes: Sizes,
    by_width: &[f64; MAX_FLIPS + 1],
    by_directory: &[f64; MAX_FLIPS + 1],
) -> [Cost; MAX_FLIPS + 1] {
    let (even_width, even_directory) =
        (Shape::even_shares(shape.width), Shape::even_shares(shape.directory_bits));
    let mut sums = (0.0, 0.0);
    std::array::from_fn(|flips| {
        sums.0 += by_width[flips].max(even_width[flips]);
        sums.1 += by_directory[flips].max(even_directory[flips]);
        shape.cost(flips, sizes, sums.0, sums.1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn costs(slots: usize, width: u32) -> Vec<[Cost; MAX_FLIPS + 1]> {
        let shape = Shape { width, directory_bits: width.min(16), in_key_order: false };
        let sizes = Sizes { keys: 1e6, offsets: 1e6, slots: slots as f64 };
        let even = Shape::even_shares(width);
        vec![costs_of(&shape, sizes, &even, &Shape::even_shares(shape.directory_bits)); slots]
    }

    #[test]
    fn an_allocation_satisfies_the_pigeonhole_at_every_radius() {
        for slots in 1..=32 {
            let costs = costs(slots, (256 / slots as u32).min(32));
            for radius in 0..=256 {
                let reachable = slots * (MAX_FLIPS + 1) > radius as usize;
                let allocation = allocate(&costs, radius);
                assert_eq!(allocation.is_some(), reachable, "{slots} slots, radius {radius}");
                let Some(allocation) = allocation else { continue };
                let shares: usize =
                    allocation.flips.iter().map(|flips| flips.map_or(0, |flips| flips + 1)).sum();
                assert!(shares > radius as usize, "{slots} slots, radius {radius}: {allocation:?}");
            }
        }
    }

    /// Against trying every way, with costs that have no pattern.
    #[test]
    fn no_allocation_is_cheaper() {
        let mut state = 1u64;
        let mut number = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as f64
        };
        for _ in 0..200 {
            let costs: Vec<[Cost; MAX_FLIPS + 1]> = (0..3)
                .map(|_| {
                    let mut sum = 0.0;
                    std::array::from_fn(|_| {
                        sum += number();
                        Cost { nanoseconds: sum, ..Cost::default() }
                    })
                })
                .collect();
            for radius in 0..15 {
                let mut least = f64::INFINITY;
                for way in 0..6usize.pow(3) {
                    let shares = [way % 6, way / 6 % 6, way / 36];
                    let cost = |(shares, costs): (&usize, &[Cost; 5])| {
                        shares.checked_sub(1).map_or(0.0, |flips| costs[flips].nanoseconds)
                    };
                    if shares.iter().sum::<usize>() > radius {
                        least = least.min(shares.iter().zip(&costs).map(cost).sum());
                    }
                }
                let got = allocate(&costs, radius as u32).map(|found| found.cost.nanoseconds);
                assert_eq!(got, Some(least), "radius {radius}");
            }
        }
    }
}
