//! Which radius and which quality hold for a list.

use lykta_hash::Pdq;
use lykta_index::{Index, Source};

use crate::options::Options;

/// Largest distance of a near match where nothing else is said, in bits: the usual one for PDQ.
const DEFAULT_RADIUS: u32 = 31;

/// By how much the quality of a copy may be below the gate when that of the entry is not. Of copies of
/// photographs few lose more: docs/matching.md.
const COPY_LOSS: u8 = 20;

/// What a user asked for, to be weighed against what each list says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    radius: Option<u32>,
    min_quality: u8,
}

impl Rules {
    pub(crate) fn new(options: &Options) -> Self {
        Self { radius: options.radius, min_quality: options.min_quality }
    }

    /// The largest distance at which entries of a list match, in bits, 0..=256: the list's own, but no
    /// more than was asked for.
    pub(crate) fn radius(self, list: &Source) -> u32 {
        let radius = match (self.radius, list.near_radius) {
            (Some(asked), Some(own)) => asked.min(own),
            (Some(radius), None) | (None, Some(radius)) => radius,
            (None, None) => DEFAULT_RADIUS,
        };
        radius.min(Pdq::BITS)
    }

    /// The radius that finds all matches in an index: the largest of its lists'.
    pub(crate) fn search_radius<D: AsRef<[u8]>>(self, index: &Index<D>) -> u32 {
        // Of every role: an entry may have another one than its list.
        index.sources().iter().map(|list| self.radius(list)).max().unwrap_or(0)
    }

    /// The least quality that a picture must have to be compared at all, 1..=100: at quality 0
    /// nothing matches, even with a gate of 0 (spec of PDQ matching).
    pub(crate) fn gate(self) -> u8 {
        self.min_quality.max(1)
    }

    /// The least quality at which an item's picture is looked up, 1..=100: it may be a copy of an entry
    /// that reaches the gate.
    pub(crate) fn copy_gate(self) -> u8 {
        lowered(self.gate())
    }

    /// Whether entry and item, of the qualities given as far as they are known, are too flat to match
    /// in a list.
    pub(crate) fn are_too_flat(self, list: &Source, entry: Option<u8>, item: Option<u8>) -> bool {
        are_too_flat(self.list_gate(list), entry, item)
    }

    /// The least quality of both pictures at which entries of a list match.
    fn list_gate(self, list: &Source) -> u8 {
        self.gate().max(list.min_quality.unwrap_or(0))
    }
}

/// [`Rules::are_too_flat`] at a gate of 1..=100.
pub(crate) fn are_too_flat(gate: u8, entry: Option<u8>, item: Option<u8>) -> bool {
    let item_gate = if entry.is_some() { lowered(gate) } else { gate };
    entry.is_some_and(|quality| quality < gate) || item.is_some_and(|quality| quality < item_gate)
}

fn lowered(gate: u8) -> u8 {
    gate.saturating_sub(COPY_LOSS).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(radius: Option<u32>, min_quality: u8) -> Rules {
        Rules::new(&Options { radius, min_quality, ..Options::default() })
    }

    #[test]
    fn a_list_has_its_own_radius_and_what_is_asked_for_is_the_limit() {
        let of = |asked, near_radius| rules(asked, 0).radius(&Source { near_radius, ..Source::default() });
        assert_eq!([of(None, None), of(None, Some(12)), of(None, Some(60))], [31, 12, 60]);
        assert_eq!([of(Some(40), None), of(Some(40), Some(12)), of(Some(40), Some(60))], [40, 12, 40]);
        assert_eq!([of(Some(0), Some(12)), of(Some(999), None), of(None, Some(999))], [0, 256, 256]);
    }

    #[test]
    fn the_larger_quality_holds_and_never_none_at_all() {
        let of =
            |asked, min_quality| rules(None, asked).list_gate(&Source { min_quality, ..Source::default() });
        assert_eq!([of(50, None), of(50, Some(20)), of(50, Some(80)), of(0, Some(0))], [50, 50, 80, 1]);
    }

    #[test]
    fn a_copy_may_be_flatter_than_an_entry_of_known_quality() {
        let rules = rules(None, 50);
        let too_flat = |entry, item| rules.are_too_flat(&Source::default(), entry, item);
        assert_eq!([too_flat(None, Some(49)), too_flat(None, Some(50))], [true, false]);
        assert_eq!([too_flat(Some(50), Some(29)), too_flat(Some(50), Some(30))], [true, false]);
        assert_eq!([too_flat(Some(49), Some(99)), too_flat(Some(49), None)], [true, true]);
        assert_eq!([rules.copy_gate(), self::rules(None, 7).copy_gate()], [30, 1]);
    }
}
