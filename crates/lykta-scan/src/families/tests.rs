//! Families against what is promised of them, and against one node at a time.

use super::cover::Cover;
use super::items::Nodes;
use super::result::Families;
use super::*;
use proptest::prelude::*;
use std::collections::BTreeSet;

/// A random sequence, the same each time.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn pdq(&mut self) -> Pdq {
        let mut bytes = [0; 32];
        bytes.as_chunks_mut::<8>().0.iter_mut().for_each(|chunk| *chunk = self.next().to_be_bytes());
        Pdq(bytes)
    }

    /// At most `bits` away.
    fn near(&mut self, pdq: Pdq, bits: u64) -> Pdq {
        let mut other = pdq;
        for _ in 0..self.next() % (bits + 1) {
            let bit = self.next() as usize % 256;
            other.0[bit / 8] ^= 1 << (bit % 8);
        }
        other
    }
}

fn face(pdq: Pdq, quality: Option<u8>, reaches: bool) -> Face<'static> {
    Face { view: if reaches { "original" } else { "rot90" }, pdq, quality, reaches }
}

fn plain(hashes: &[Pdq]) -> FamilyItems {
    let mut items = FamilyItems::default();
    for pdq in hashes {
        items.push([face(*pdq, None, true)], None);
    }
    items
}

/// Items around some centres, of which several lie close together, so that families overlap.
fn structured(seed: u64, count: usize, spread: u64) -> FamilyItems {
    let (mut numbers, mut items) = (Numbers(seed), FamilyItems::default());
    let first = numbers.pdq();
    let mut centres = vec![first];
    for at in 0..count / 12 {
        let pdq =
            if at % 3 == 0 { numbers.pdq() } else { numbers.near(centres[at % centres.len()], 2 * spread) };
        centres.push(pdq);
    }
    for _ in 0..count {
        let centre = centres[numbers.next() as usize % centres.len()];
        let own = numbers.near(centre, spread);
        let quality = [None, Some(100), Some(60), Some(40)][numbers.next() as usize % 4];
        let mut faces = vec![face(own, quality, true)];
        for _ in 0..numbers.next() % 3 {
            let turned = centres[numbers.next() as usize % centres.len()];
            faces.push(face(numbers.near(turned, spread), quality, numbers.next().is_multiple_of(4)));
        }
        items.push(faces, None);
    }
    items
}

fn options(radius: u32, jobs: usize) -> FamilyOptions {
    FamilyOptions { radius, min_quality: 50, jobs: jobs.try_into().unwrap() }
}

fn find(items: &FamilyItems, options: &FamilyOptions) -> Families {
    find_families(items, options, &|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap()
}

fn find_bounded(items: &FamilyItems, options: &FamilyOptions, wasted: u64, ahead: usize) -> Families {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.jobs.get()).build().unwrap();
    let nodes = Nodes::new(items, options);
    let cover = Cover::new(items, &nodes, options, &pool).unwrap().bounded(wasted, ahead);
    Families::new(&nodes, cover.run(&|_, _| {}, &AtomicBool::new(false)).unwrap().unwrap())
}

/// All there is to know of a result.
fn written(families: &Families) -> Vec<(bool, Vec<[u32; 3]>)> {
    let member = |member: &Member| [member.item, member.distance, member.face];
    families.iter().map(|family| (family.compared, family.members.iter().map(member).collect())).collect()
}

/// How far `member` is from what represents `representative`, by the definition.
fn distance(items: &FamilyItems, options: &FamilyOptions, representative: u32, member: u32) -> Option<u32> {
    let faces = |item| items.compared(item, options).map(|(_, face)| *face).collect::<Vec<_>>();
    let from = faces(representative);
    let from = from.iter().filter(|face| face.reaches);
    let to = faces(member);
    from.flat_map(|from| to.iter().map(|to| from.pdq.distance(&to.pdq))).min()
}

/// Everything that [`find_families`] promises.
fn check(items: &FamilyItems, options: &FamilyOptions, families: &Families) {
    let mut seen = BTreeSet::new();
    let represented: Vec<u32> =
        families.iter().filter(|family| family.compared).map(|family| family.representative()).collect();
    for family in families.iter() {
        let representative = family.representative();
        for member in family.members {
            assert!(seen.insert(member.item), "item {} comes twice", member.item);
            if !family.compared {
                continue;
            }
            assert!(member.distance <= options.radius);
            if member.item != representative {
                assert_eq!(distance(items, options, representative, member.item), Some(member.distance));
                let nearer =
                    represented.iter().filter_map(|other| distance(items, options, *other, member.item));
                let least = nearer.min().unwrap();
                assert!(!families.nearest() || least == member.distance, "{least} < {}", member.distance);
            }
        }
    }
    assert_eq!(seen.len(), items.len(), "every item is in a family");
    // Whoever was chosen later was not within the reach of the earlier: of two, one is not.
    for (at, a) in represented.iter().enumerate() {
        for b in &represented[at + 1..] {
            let within =
                |from, to| distance(items, options, from, to).is_some_and(|bits| bits <= options.radius);
            assert!(!(within(*a, *b) && within(*b, *a)), "{a} and {b} represent and reach each other");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn what_is_promised_holds_whatever_the_threads_and_bounds(
        seed in any::<u64>(), count in 1usize..250, spread in 0u64..40, radius in 0u32..60,
    ) {
        let items = structured(seed, count, spread);
        let families = find(&items, &options(radius, 1));
        check(&items, &options(radius, 1), &families);
        prop_assert!(families.nearest());
        for (jobs, ahead) in [(2, 4096), (8, 4096), (3, 1), (2, 5)] {
            let again = find_bounded(&items, &options(radius, jobs), u64::MAX / 4096, ahead);
            prop_assert_eq!(written(&again), written(&families));
        }
        // Searching only the rest changes which representative is nearest, and nothing else.
        let dense = find_bounded(&items, &options(radius, 2), 0, 64);
        check(&items, &options(radius, 2), &dense);
        let dense_again = find_bounded(&items, &options(radius, 1), 0, 3);
        prop_assert_eq!(written(&dense_again), written(&dense));
        let represented = |families: &Families| families.iter().map(|f| f.representative()).collect::<BTreeSet<_>>();
        prop_assert_eq!(represented(&dense), represented(&families));
    }
}

/// a - b - c - d in a row, each 20 bits from the next: single linkage would make one family of them.
#[test]
fn neighbours_of_neighbours_are_not_joined() {
    let at = |bits: usize| {
        let mut pdq = Numbers(3).pdq();
        (0..bits).for_each(|bit| pdq.0[bit / 8] ^= 1 << (bit % 8));
        pdq
    };
    let items = plain(&[at(0), at(20), at(40), at(60)]);
    let families = find(&items, &options(31, 2));
    check(&items, &options(31, 2), &families);
    let members: Vec<Vec<u32>> =
        families.iter().map(|family| family.members.iter().map(|member| member.item).collect()).collect();
    assert_eq!(members, [[0, 1], [2, 3]]);
}

#[test]
fn a_member_goes_to_the_nearest_representative() {
    let base = Numbers(5).pdq();
    let at = |bits: std::ops::Range<usize>| {
        let mut pdq = base;
        bits.for_each(|bit| pdq.0[bit / 8] ^= 1 << (bit % 8));
        pdq
    };
    // Three copies make the first represent; the last is 30 from it, and 5 from another that is 35 away.
    let items = plain(&[at(0..0), at(0..0), at(0..0), at(0..35), at(0..30)]);
    let families = find(&items, &options(31, 1));
    check(&items, &options(31, 1), &families);
    let last = families.iter().find(|family| family.members.iter().any(|member| member.item == 4)).unwrap();
    assert_eq!((last.representative(), last.largest_distance()), (3, 5));
}

#[test]
fn what_cannot_be_compared_is_there_and_alone_but_for_equal_bytes() {
    let (mut items, mut numbers) = (FamilyItems::default(), Numbers(7));
    let pdq = numbers.pdq();
    for quality in [Some(49), Some(0), None, Some(50)] {
        items.push([face(pdq, quality, true)], None);
    }
    items.push([face(pdq, Some(1), true)], Some([1; 32]));
    items.push([face(pdq, Some(1), true)], Some([2; 32]));
    items.push([face(pdq, Some(1), true)], Some([1; 32]));
    items.push([face(Pdq([0; 32]), Some(100), true)], None);
    items.push([face(Pdq([0; 32]), Some(100), true)], None);
    items.push([], None);
    let families = find(&items, &options(31, 2));
    check(&items, &options(31, 2), &families);
    let members: Vec<(bool, Vec<u32>)> = families
        .iter()
        .map(|family| (family.compared, family.members.iter().map(|member| member.item).collect()))
        .collect();
    let alone = |item: u32| (false, vec![item]);
    // Of equal hashes the one of known quality represents.
    let expected =
        [(true, vec![3, 2]), (false, vec![4, 6]), alone(0), alone(1), alone(5), alone(7), alone(8), alone(9)];
    assert_eq!(members, expected);
}

/// A picture that only asks joins those it resembles, and represents nobody.
#[test]
fn a_face_that_does_not_reach_represents_nobody() {
    let (mut items, mut numbers) = (FamilyItems::default(), Numbers(9));
    let (pdq, other) = (numbers.pdq(), numbers.pdq());
    items.push([face(pdq, None, false)], None);
    items.push([face(pdq, None, false)], None);
    items.push([face(other, None, true), face(numbers.near(pdq, 3), None, false)], None);
    // Of two items, so that its turn comes first.
    items.push([face(pdq, None, true)], None);
    items.push([face(pdq, None, true)], None);
    let families = find(&items, &options(31, 2));
    let only = families.iter().next().unwrap();
    assert_eq!((families.len(), only.representative()), (1, 3));
    let turned = only.members.iter().find(|member| member.item == 2).unwrap();
    assert_eq!(items.face(2, turned.face as usize).unwrap().view, "rot90");
}

/// A million equal hashes are one search.
#[test]
fn equal_hashes_cost_one_search() {
    let pdq = Numbers(11).pdq();
    let items = plain(&vec![pdq; 300_000]);
    let options = options(31, 2);
    assert_eq!(Nodes::new(&items, &options).len(), 1);
    let families = find(&items, &options);
    assert_eq!((families.len(), families.iter().next().unwrap().members.len()), (1, 300_000));
}

/// Hashes of which each is within the radius of every other, and around an empty centre such that none
/// is: what would be a hundred million pairs takes few searches.
#[test]
fn a_dense_list_is_no_quadratic_work() {
    let (mut numbers, mut hashes) = (Numbers(13), Vec::new());
    let centre = numbers.pdq();
    // 2,000 that are far from each other, and 8,000 that each of them reaches.
    let shell = |numbers: &mut Numbers, bits: usize| {
        let mut pdq = centre;
        let mut turned = BTreeSet::new();
        while turned.len() < bits {
            turned.insert(numbers.next() as usize % 256);
        }
        turned.into_iter().for_each(|bit| pdq.0[bit / 8] ^= 1 << (bit % 8));
        pdq
    };
    for _ in 0..2000 {
        hashes.push(shell(&mut numbers, 26));
    }
    for _ in 0..8000 {
        hashes.push(shell(&mut numbers, 3));
    }
    let items = plain(&hashes);
    let begun = std::time::Instant::now();
    let families = find(&items, &options(31, 2));
    check_members(&items, &options(31, 2), &families);
    assert!(families.len() <= 2001);
    let all_near: Vec<Pdq> = (0..20_000).map(|_| shell(&mut numbers, 15)).collect();
    let families = find(&plain(&all_near), &options(31, 2));
    assert_eq!(families.len(), 1, "15 + 15 bits are within 31 of each other");
    assert!(begun.elapsed().as_secs() < 60, "{:?}", begun.elapsed());
}

/// As [`check`], without what compares all representatives.
fn check_members(items: &FamilyItems, options: &FamilyOptions, families: &Families) {
    let mut seen = BTreeSet::new();
    for family in families.iter() {
        for member in family.members {
            assert!(seen.insert(member.item));
            let bits = distance(items, options, family.representative(), member.item);
            assert!(bits == Some(member.distance) && member.distance <= options.radius);
        }
    }
    assert_eq!(seen.len(), items.len());
}

#[test]
fn stopping_ends_it_without_a_result() {
    let items = plain(&[Numbers(1).pdq()]);
    let stopped = find_families(&items, &options(31, 1), &|_, _| {}, &AtomicBool::new(true));
    assert!(stopped.unwrap().is_none());
    let nothing = find(&FamilyItems::default(), &options(31, 1));
    assert!(nothing.is_empty() && nothing.nearest());
}
