//! The families, in the order in which they are shown.

use std::cmp::Reverse;
use std::ops::Range;

use super::cover::Covered;
use super::items::Nodes;

/// What [`find_families`](super::find_families) found.
///
/// Order: families of which something was compared, then others; the largest first; then by the number
/// of the representative.
#[derive(Debug)]
pub struct Families {
    members: Vec<Member>,
    families: Vec<(Range<usize>, bool)>,
    nearest: bool,
}

/// An item of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its number.
    pub item: u32,
    /// Bits in which it differs from the representative, 0..=256; the least of all pairs of faces.
    pub distance: u32,
    /// The face of it that is so near, by its place in what was pushed.
    pub face: u32,
}

/// Items that belong together.
#[derive(Clone, Copy, Debug)]
pub struct Family<'a> {
    /// The representative, then the others by distance, then by number; at least one.
    pub members: &'a [Member],
    /// Whether it was compared by likeness. One that was not holds items of equal bytes, or a single
    /// one.
    pub compared: bool,
}

impl Family<'_> {
    /// The number of the item that represents it.
    pub fn representative(&self) -> u32 {
        self.members[0].item
    }

    /// The distance of the member that is farthest from the representative, in bits.
    pub fn largest_distance(&self) -> u32 {
        self.members.iter().map(|member| member.distance).max().unwrap_or(0)
    }
}

impl Families {
    pub(crate) fn new(nodes: &Nodes, covered: Covered) -> Self {
        let Covered { representatives, places, nearest } = covered;
        let mut all: Vec<(u32, u32, u32, Member)> = Vec::new();
        for ((node, _), place) in nodes.iter().zip(&places) {
            let lead_of_family = nodes.get(representatives[place.family as usize]).lead;
            for item in nodes.items(node) {
                // The representative comes before others at distance 0.
                let first = u32::from(*item != lead_of_family);
                let member = Member { item: *item, distance: place.distance, face: place.face };
                all.push((place.family, first, place.distance, member));
            }
        }
        all.sort_unstable_by_key(|(family, first, distance, member)| {
            (*family, *first, *distance, member.item)
        });
        let mut families = Vec::with_capacity(representatives.len());
        let mut start = 0;
        for family in all.chunk_by(|a, b| a.0 == b.0) {
            let compared = nodes.get(representatives[family[0].0 as usize]).compared;
            families.push((start..start + family.len(), compared));
            start += family.len();
        }
        let members: Vec<Member> = all.into_iter().map(|(.., member)| member).collect();
        families.sort_unstable_by_key(|(range, compared)| {
            (Reverse(*compared), Reverse(range.len()), members[range.start].item)
        });
        Self { members, families, nearest }
    }

    /// The families, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Family<'_>> {
        let family = |(range, compared): &(Range<usize>, bool)| Family {
            members: &self.members[range.clone()],
            compared: *compared,
        };
        self.families.iter().map(family)
    }

    /// The number of families.
    pub fn len(&self) -> usize {
        self.families.len()
    }

    /// Whether there are none: there were no items.
    pub fn is_empty(&self) -> bool {
        self.families.is_empty()
    }

    /// Whether every member is with the nearest representative. False for a list so dense that searches
    /// met the same items again and again: what had a family was then left out of later searches.
    pub fn nearest(&self) -> bool {
        self.nearest
    }
}
