//! Designing multi-index hashing for a list: how many slots, how wide, which bits in which.
//!
//! ```text
//! for each number of slots: the widths and directories that cost least if hashes were evenly spread
//! of the best few: deal out the bits, look at a sample of the list, take the cheapest as it really is
//! ```
//!
//! Everything follows from the keys and the radius, so the same list gives the same file.

use super::Structure;
use super::cost::{self, Cost, Shape, Sizes, allocate, costs_of};
use super::order::{ORDER, bit_of};
use super::slots::{MAX_FLIPS, NewSlot, id_bits};
use crate::format::{MAX_DIRECTORY_BITS, MAX_SLOT_WIDTH};
use crate::hamming::Key;

/// How to lay out the near structure of a list.
pub(crate) struct Design {
    pub(crate) structure: Structure,
    /// The slots of multi-index hashing; none for other structures.
    pub(crate) slots: Vec<NewSlot>,
}

/// Hashes looked at to see how a list is spread: two million pairs.
const SAMPLE: usize = 2048;

/// Most slots tried.
const MOST_SLOTS: usize = 32;

/// Numbers of slots that are tried on the sample.
const FINALISTS: usize = 4;

/// Bits in a hash.
const BITS: u32 = 256;

/// Designs the structure for `keys`, all of them in the order of the file; the cheapest one for
/// `radius` unless it is given.
pub(crate) fn design(keys: &[Key], structure: Option<Structure>, radius: u32) -> Design {
    let without_slots = |structure| Design { structure, slots: Vec::new() };
    if let Some(structure @ (Structure::Flat | Structure::Bk)) = structure {
        return without_slots(structure);
    }
    let sample = sample(keys);
    let mut best: Option<(Cost, Vec<NewSlot>)> = None;
    for shapes in finalists(keys.len(), radius) {
        let slots = deal(&shapes, &sample);
        let sizes = sizes(keys.len(), &shapes);
        let shares = Shares::of(&sample, &slots);
        let costs: Vec<_> = shapes
            .iter()
            .zip(&shares)
            .map(|(shape, shares)| costs_of(shape, sizes, &shares.by_width, &shares.by_directory))
            .collect();
        let Some(allocation) = allocate(&costs, radius) else { continue };
        if best.as_ref().is_none_or(|(cost, _)| allocation.cost.nanoseconds < cost.nanoseconds) {
            best = Some((allocation.cost, slots));
        }
    }
    match best {
        Some((cost, slots)) if structure.is_some() || cost.nanoseconds < cost::flat(keys.len()) => {
            Design { structure: Structure::Mih, slots }
        }
        // No number of slots serves such a radius: any will do for smaller ones.
        None if structure.is_some() => {
            let shapes = finalists(keys.len(), 31).next().unwrap_or_default();
            Design { structure: Structure::Mih, slots: deal(&shapes, &sample) }
        }
        _ => without_slots(Structure::Flat),
    }
}

/// Some of the keys, evenly from the whole list.
pub(crate) fn sample(keys: &[Key]) -> Vec<Key> {
    let count = keys.len().min(SAMPLE);
    (0..count)
        .filter_map(|i| keys.get((i as u128 * keys.len() as u128 / count as u128) as usize))
        .copied()
        .collect()
}

fn sizes(keys: usize, shapes: &[Shape]) -> Sizes {
    let offsets = shapes.iter().map(|shape| 4.0 * f64::from(shape.directory_bits).exp2()).sum();
    Sizes { keys: keys as f64, offsets, slots: shapes.len() as f64 }
}

/// The best shapes of each number of slots for evenly spread hashes, the cheapest few first.
fn finalists(keys: usize, radius: u32) -> impl Iterator<Item = Vec<Shape>> {
    let most = MOST_SLOTS.min(radius as usize + 1);
    let mut found: Vec<(f64, Vec<Shape>)> =
        (1..=most).filter_map(|slots| best_shapes(keys, radius, slots)).collect();
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    found.into_iter().take(FINALISTS).map(|(_, shapes)| shapes)
}

/// The cheapest shapes for `slots` slots of evenly spread hashes, with their cost.
///
/// Every slot turns the same number of bits, but for some that turn one more and want to be wider.
fn best_shapes(keys: usize, radius: u32, slots: usize) -> Option<(f64, Vec<Shape>)> {
    let shares = radius as usize + 1;
    let (each, more) = (shares / slots, shares % slots);
    let most_shares = each + usize::from(more > 0);
    if most_shares > MAX_FLIPS + 1 {
        return None;
    }
    // The first slot is narrow, since all its bits choose a bucket: it turns fewer bits.
    let (few, many) = (slots - 1 - more, more);
    let size = keys.max(2).ilog2();
    let sizes = Sizes { keys: keys as f64, offsets: slots as f64 * keys as f64 / 2.0, slots: slots as f64 };
    let mut best: Option<(f64, Vec<Shape>)> = None;
    let even_cost = |shape: &Shape, flips: usize| {
        let none = [0.0; MAX_FLIPS + 1];
        costs_of(shape, sizes, &none, &none)[flips].nanoseconds
    };
    let best_shape = |width: u32, flips: usize| {
        let tag_room = u32::BITS - id_bits(keys);
        let narrowest = width.saturating_sub(tag_room).max(1);
        let widest = width.min(size.saturating_sub(1)).clamp(1, MAX_DIRECTORY_BITS);
        (narrowest..=widest)
            .map(|directory_bits| Shape { width, directory_bits, in_key_order: false })
            .map(|shape| (even_cost(&shape, flips), shape))
            .min_by(|a, b| a.0.total_cmp(&b.0))
    };
    for first_width in size.saturating_sub(4).max(1)..=(size + 1).min(MAX_DIRECTORY_BITS) {
        let first = Shape { width: first_width, directory_bits: first_width, in_key_order: true };
        let first_cost = even_cost(&first, each - 1);
        let wide_range = if many == 0 { 1..=1 } else { 1..=MAX_SLOT_WIDTH };
        for wide in wide_range {
            let left = (BITS - first_width).checked_sub(many as u32 * wide);
            let Some(left) = left.filter(|left| *left as usize >= few) else { continue };
            let mut total = first_cost;
            let mut shapes = vec![first];
            let widths = std::iter::repeat_n((wide, each), many).chain((0..few).map(|i| {
                let width = (left as usize + i) / few;
                ((width as u32).min(MAX_SLOT_WIDTH), each - 1)
            }));
            let mut last = None;
            let complete = widths.into_iter().all(|(width, flips)| {
                if last.is_none_or(|(key, _)| key != (width, flips)) {
                    last = best_shape(width, flips).map(|shape| ((width, flips), shape));
                }
                let Some((_, (cost, shape))) = last.filter(|(key, _)| *key == (width, flips)) else {
                    return false;
                };
                total += cost;
                shapes.push(shape);
                true
            });
            if complete && best.as_ref().is_none_or(|(cost, _)| total < *cost) {
                best = Some((total, shapes));
            }
        }
    }
    best
}

/// Deals the bits of a hash out to slots of these shapes. The first gets the leading bits of the
/// order value; of the others, each bit goes to a slot whose bits it has least in common with, so
/// that few hashes crowd a bucket.
fn deal(shapes: &[Shape], sample: &[Key]) -> Vec<NewSlot> {
    let mut slots: Vec<Vec<u8>> = vec![Vec::new(); shapes.len()];
    if let (Some(slot), Some(shape)) = (slots.first_mut(), shapes.first()) {
        slot.extend(&ORDER[..shape.width as usize]);
    }
    let likeness = Likeness::of(sample);
    let mut free: Vec<u8> =
        (0..=u8::MAX).filter(|bit| !slots.first().is_some_and(|slot| slot.contains(bit))).collect();
    // The bits that have most in common with others first, while there is a choice.
    let all: Vec<u8> = (0..=u8::MAX).collect();
    free.sort_by_cached_key(|bit| (std::cmp::Reverse(likeness.of_bit_and_slot(*bit, &all)), *bit));
    for bit in free {
        let open = (1..shapes.len()).filter(|slot| slots[*slot].len() < shapes[*slot].width as usize);
        // Of slots that are equally good, the one that is furthest from being full.
        let best = open.min_by_key(|slot| {
            let filled = slots[*slot].len() as u64 * 1000 / u64::from(shapes[*slot].width);
            (likeness.of_bit_and_slot(bit, &slots[*slot]), filled)
        });
        if let Some(slot) = best {
            slots[slot].push(bit);
        }
    }
    slots
        .into_iter()
        .zip(shapes)
        .map(|(bits, shape)| NewSlot { bits, directory_bits: shape.directory_bits })
        .collect()
}

/// How much any two bits of a hash tell of one another, in a sample.
struct Likeness {
    /// For each bit, its value in each hash of the sample.
    columns: Vec<Vec<u64>>,
    hashes: u32,
}

impl Likeness {
    fn of(sample: &[Key]) -> Self {
        let column = |bit: u8| {
            let values = sample.chunks(64);
            values
                .map(|keys| keys.iter().fold(0, |word, key| word << 1 | u64::from(bit_of(key, bit))))
                .collect()
        };
        Self { columns: (0..=u8::MAX).map(column).collect(), hashes: sample.len() as u32 }
    }

    /// The square of how much more often two bits agree than not, or the reverse, summed over the bits of a slot.
    fn of_bit_and_slot(&self, bit: u8, slot: &[u8]) -> u64 {
        let column = &self.columns[usize::from(bit)];
        let others = slot.iter().filter(|other| **other != bit);
        others
            .map(|other| {
                let differing: u32 = column
                    .iter()
                    .zip(&self.columns[usize::from(*other)])
                    .map(|(a, b)| (a ^ b).count_ones())
                    .sum();
                let excess = u64::from((2 * differing).abs_diff(self.hashes));
                excess * excess
            })
            .sum()
    }
}

/// Shares of pairs of hashes that differ in exactly 0, 1, 2... bits, at least.
pub(crate) struct Shares {
    /// Of all bits of a slot.
    pub(crate) by_width: [f64; MAX_FLIPS + 1],
    /// Of those that choose the bucket.
    pub(crate) by_directory: [f64; MAX_FLIPS + 1],
}

impl Shares {
    /// Looks at every pair of the sample, for each slot.
    pub(crate) fn of(sample: &[Key], slots: &[NewSlot]) -> Vec<Self> {
        slots.iter().map(|slot| Self::of_slot(sample, slot)).collect()
    }

    fn of_slot(sample: &[Key], slot: &NewSlot) -> Self {
        let values: Vec<u32> = sample.iter().map(|key| slot.value(key)).collect();
        let buckets: Vec<u32> = values.iter().map(|value| slot.split(*value).0 as u32).collect();
        Self { by_width: pair_shares(&values), by_directory: pair_shares(&buckets) }
    }
}

fn pair_shares(values: &[u32]) -> [f64; MAX_FLIPS + 1] {
    let mut counts = [0u64; u32::BITS as usize + 1];
    for (i, a) in values.iter().enumerate() {
        for b in &values[i + 1..] {
            counts[(a ^ b).count_ones() as usize] += 1;
        }
    }
    let pairs: u64 = counts.iter().sum();
    // Of few pairs, chance has seen some too many or too few: what is counted is what there is almost
    // for certain, two standard deviations below the count.
    let sure = |count: u64| (count as f64 - 2.0 * (count as f64).sqrt()).max(0.0);
    std::array::from_fn(|flips| sure(counts[flips]) / pairs.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use lykta_hash::Pdq;
    use zerocopy::FromBytes;
    use zerocopy::little_endian::U32;

    use super::*;
    use crate::hamming::{Hit, Kernel};
    use crate::near::clock::NoClock;
    use crate::near::mih::{self, Mih};
    use crate::near::order::order_value;
    use crate::near::slots::Slots;
    use crate::near::tables;

    fn keys(count: u32) -> Vec<Key> {
        (0..count).map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect()
    }

    #[test]
    fn slots_are_disjoint_and_fit_their_files() {
        let keys = keys(5000);
        for count in [0, 1, 2, 3, 50, 1000, 5000] {
            for radius in [0, 1, 2, 7, 15, 31, 40, 60, 200, 256] {
                let Design { slots, .. } = design(&keys[..count], Some(Structure::Mih), radius);
                let mut bits: Vec<u8> = slots.iter().flat_map(|slot| slot.bits.clone()).collect();
                let total = bits.len();
                bits.sort_unstable();
                bits.dedup();
                assert_eq!(bits.len(), total, "a bit in two slots: {count} keys, radius {radius}");
                assert!(!slots.is_empty());
                assert!(ORDER.starts_with(&slots[0].bits) && slots[0].tag_bits() == 0);
                for slot in &slots {
                    assert!((1..=MAX_DIRECTORY_BITS).contains(&slot.directory_bits), "{slot:?}");
                    assert!(slot.width() <= MAX_SLOT_WIDTH);
                }
                for slot in &slots[1..] {
                    assert!(slot.tag_bits() + id_bits(count) <= u32::BITS, "{slot:?}");
                }
            }
        }
    }

    #[test]
    fn short_lists_are_scanned_and_long_ones_indexed() {
        let keys = keys(60_000);
        let structure = |count: usize, radius| design(&keys[..count], None, radius).structure;
        assert_eq!(structure(100, 31), Structure::Flat);
        assert_eq!(structure(60_000, 31), Structure::Mih);
        assert_eq!(structure(60_000, 128), Structure::Flat);
        assert_eq!(structure(60_000, 256), Structure::Flat);
    }

    #[test]
    fn longer_lists_get_fewer_and_wider_slots() {
        let slots = |keys| finalists(keys, 31).next().map(|shapes| shapes.len()).unwrap_or_default();
        assert!(slots(100_000_000) < slots(1_000_000), "{} {}", slots(100_000_000), slots(1_000_000));
        for keys in [100_000_000, 2_000_000_000] {
            for shapes in finalists(keys, 31) {
                // What a hash takes on disk: key, reference, ids, offsets.
                let offsets: u64 = shapes.iter().map(|shape| 4 << shape.directory_bits).sum();
                let bytes = 36.0 + 4.0 * (shapes.len() - 1) as f64 + offsets as f64 / keys as f64;
                assert!(bytes < 96.0, "{keys} keys in {bytes} bytes each: {shapes:?}");
            }
        }
    }

    /// Keys in families, in the order of a file.
    fn families(count: usize) -> Vec<Key> {
        let mut keys = keys(count as u32);
        for i in 0..count / 2 {
            // Up to 47 bits from a key further on.
            let turned = blake3::hash(&(i as u64).to_le_bytes());
            let bytes = turned.as_bytes();
            keys[i] = keys[count / 2 + i / 40];
            for bit in bytes.iter().take(i % 48) {
                keys[i][usize::from(bit / 8)] ^= 1 << (bit % 8);
            }
        }
        keys.sort_unstable_by_key(|key| (order_value(key), *key));
        keys.dedup();
        keys
    }

    /// Designs for lists of any length and any radius, over few enough keys to look at all of them,
    /// asked at every radius that they reach, cheap or not: so the bounds at which the number of
    /// slots, the turned bits or the way of answering change are all crossed.
    #[test]
    fn every_design_finds_what_the_definition_finds() {
        let all_keys = families(1500);
        let mut queries: Vec<Pdq> = all_keys.iter().step_by(190).map(|key| Pdq(*key)).collect();
        for i in 0..queries.len() {
            let mut near = queries[i];
            (0..31 - i as u8).for_each(|bit| near.0[usize::from(bit)] ^= 0x10);
            queries.push(near);
        }
        let (mut designs, mut answered, mut crowded) = (BTreeSet::new(), 0, 0);
        for pretended in [2, 100, 1500, 20_000, 150_000, 1_000_000, 4_000_000] {
            // Shorter lists leave more room for tags, so they must be as short as they pretend.
            let keys = &all_keys[..all_keys.len().min(pretended)];
            for built_for in [0, 1, 3, 7, 8, 15, 22, 31, 32, 40, 55, 80] {
                for shapes in finalists(pretended, built_for) {
                    if !designs.insert(format!("{shapes:?}")) {
                        continue;
                    }
                    let slots = deal(&shapes, &sample(keys));
                    let records = tables::slot_records(keys, &slots);
                    let mut bytes = Vec::new();
                    tables::write_tables(keys, &slots, 1 << 30, &mut |more| {
                        bytes.extend_from_slice(more);
                        Ok(())
                    })
                    .unwrap();
                    let slots = Slots::new(&records, keys.len(), bytes.len() / 4).unwrap();
                    let tables = <[U32]>::ref_from_bytes(&bytes).unwrap();
                    let mih = Mih { slots: &slots, tables, keys };
                    let mut scratch = mih::Scratch::default();
                    for radius in (0..=80).filter(|radius| *radius <= 2 || radius % 3 == built_for % 3) {
                        let Some(allocation) = slots.allocation(radius) else { continue };
                        let kernel = Kernel::best();
                        mih.search(kernel, &queries, radius, allocation, &mut scratch, &mut NoClock);
                        scratch.hits.sort_unstable();
                        for (number, query) in (0u32..).zip(&queries) {
                            if scratch.crowded.contains(&number) {
                                crowded += 1;
                                continue;
                            }
                            answered += 1;
                            let of_query = scratch.hits.iter().filter(|found| found.query == number);
                            let got: Vec<Hit> = of_query.map(|found| found.hit).collect();
                            let mut expected = Vec::new();
                            kernel.scan(keys, 0, &query.0, radius, &mut expected);
                            expected.sort_unstable();
                            assert_eq!(got, expected, "{shapes:?} at {radius}, query {number}");
                        }
                    }
                }
            }
        }
        assert!(
            designs.len() > 100 && answered > 10_000 && crowded > 1000,
            "{} {answered} {crowded}",
            designs.len()
        );
    }

    /// Bits that always agree must not meet in a slot when they need not.
    #[test]
    fn bits_that_agree_go_to_different_slots() {
        let mut keys = keys(2000);
        for key in &mut keys {
            // Rows of 16 bits alike in pairs.
            for row in 0..16 {
                key[2 * row + 1] = key[2 * row];
            }
        }
        let shapes = vec![
            Shape { width: 16, directory_bits: 16, in_key_order: true },
            Shape { width: 20, directory_bits: 10, in_key_order: false },
            Shape { width: 20, directory_bits: 10, in_key_order: false },
        ];
        let slots = deal(&shapes, &keys);
        for slot in &slots[1..] {
            let twins = slot.bits.iter().filter(|bit| slot.bits.contains(&(*bit ^ 8))).count();
            assert_eq!(twins, 0, "{slot:?}");
        }
    }
}
