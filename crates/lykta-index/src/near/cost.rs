//! What a search costs, and which structure to build.
//!
//! A query of multi-index hashing looks at `probes` buckets and `candidates` keys, each mostly a
//! cache miss that overlaps with others. The scan reads every key in order. The constants are
//! measured (docs/performance.md, "Cost model").

use super::Structure;
use super::slots::{MAX_FLIPS, ball, flips};
use crate::format::MAX_SLOT_WIDTH;

/// Nanoseconds for a bucket or a candidate.
const ACCESS: f64 = 10.0;

/// Nanoseconds for a key of the scan.
const SCAN: f64 = 1.0;

/// Most slots tried: more would be so narrow that every bucket holds a great part of a long list.
pub(crate) const MOST_SLOTS: usize = 32;

/// Fewer slots would be wider than a slot can be.
const SLOTS: std::ops::RangeInclusive<usize> = 256usize.div_ceil(MAX_SLOT_WIDTH as usize)..=MOST_SLOTS;

/// Expected nanoseconds of a query in `keys` evenly spread hashes; infinite when a slot would need
/// more flips than it has masks for.
pub(crate) fn mih(widths: impl Iterator<Item = u32> + Clone, keys: u64, radius: u32) -> f64 {
    let slots = widths.clone().count();
    if slots == 0 {
        return f64::INFINITY;
    }
    widths
        .zip(flips(slots, radius))
        .map(|(width, flips)| match flips {
            None => 0.0,
            Some(flips) if flips > MAX_FLIPS => f64::INFINITY,
            Some(flips) => {
                let probes = ball(width, flips);
                ACCESS * (probes + probes * keys as f64 / f64::from(width).exp2())
            }
        })
        .sum()
}

/// Expected nanoseconds of a scan of `keys` hashes.
pub(crate) fn flat(keys: u64) -> f64 {
    SCAN * keys as f64
}

/// The number of slots with the least cost for `keys` hashes at `radius`.
pub(crate) fn best_slots(keys: u64, radius: u32) -> usize {
    let widths = |slots: usize| (0..slots).map(move |slot| ((255 - slot) / slots + 1) as u32);
    // Buckets beyond a few for each hash only cost memory.
    let fits = |slots: &usize| {
        widths(*slots).all(|width| width <= MAX_SLOT_WIDTH && 1u64 << width <= 4 * keys.max(1 << 14))
    };
    let cost = |slots: usize| mih(widths(slots), keys, radius);
    SLOTS.filter(fits).min_by(|a, b| cost(*a).total_cmp(&cost(*b))).unwrap_or(*SLOTS.end())
}

/// The structure with the least cost for `keys` hashes at `radius`.
pub(crate) fn best_structure(keys: u64, radius: u32) -> Structure {
    let slots = best_slots(keys, radius);
    let widths = (0..slots).map(|slot| ((255 - slot) / slots + 1) as u32);
    if mih(widths, keys, radius) < flat(keys) { Structure::Mih } else { Structure::Flat }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_of_the_model_are_those_of_the_slots() {
        for slots in SLOTS {
            let dealt: Vec<u32> =
                crate::near::slots::deal(slots).iter().map(|bits| bits.len() as u32).collect();
            let model: Vec<u32> = (0..slots).map(|slot| ((255 - slot) / slots + 1) as u32).collect();
            assert_eq!(dealt, model);
        }
    }

    #[test]
    fn short_lists_are_scanned_and_long_ones_indexed() {
        assert_eq!(best_structure(100, 31), Structure::Flat);
        assert_eq!(best_structure(1_000_000, 31), Structure::Mih);
        assert_eq!(best_structure(1_000_000, 128), Structure::Flat);
        assert!(best_slots(10_000_000, 31) < best_slots(100_000, 31), "fewer, wider slots for longer lists");
    }
}
