//! How much a match by likeness says: strong, medium or weak.
//!
//! A band is no probability. It tells in which part of a measured table a match lies, measured on
//! photographs and on pages, screens, drawings and patterns that were made to be confused.
//! docs/matching.md explains it.

mod table;

use lykta_media::pdq::{Part, View};

/// How much a match by likeness says. The stronger is the less, so that the first in order is the best.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Band {
    /// Nothing unrelated came as near, whatever it was.
    Strong,
    /// No unrelated photograph came as near; pages and screens of the same make may.
    Medium,
    /// Different pictures may be as near: a person has to compare.
    #[default]
    Weak,
}

impl Band {
    /// The word in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Strong => "strong",
            Self::Medium => "medium",
            Self::Weak => "weak",
        }
    }
}

/// What was compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compared {
    /// Two whole pictures.
    Whole,
    /// What is within borders, with a whole picture.
    Unbordered,
    /// Less than that, on either side.
    Part,
}

impl Compared {
    fn new(view: View, entry_view: Option<&str>) -> Self {
        match (view.part, entry_view) {
            (Part::Whole, None) => Self::Whole,
            (Part::Unbordered(_), None) => Self::Unbordered,
            (Part::Whole | Part::Unbordered(_) | Part::Upper(_) | Part::Lower(_), _) => Self::Part,
        }
    }
}

/// A row of the table.
struct Row {
    compared: Compared,
    strong: Option<u32>,
    medium: Option<u32>,
}

/// What a band follows from, beside the distance.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grounds<'e> {
    /// What of the item's picture was compared.
    pub(crate) view: View,
    /// What of the entry's picture the list has, if it says so.
    pub(crate) entry_view: Option<&'e str>,
    /// The lesser quality of both, as far as they are known, 0..=100.
    pub(crate) quality: u8,
    /// Whether the item's picture is plain.
    pub(crate) plain: bool,
}

impl Grounds<'_> {
    /// The band of a match at `distance` bits.
    pub(crate) fn band(self, distance: u32) -> Band {
        let compared = Compared::new(self.view, self.entry_view);
        let row = table::TABLE.iter().find(|row| row.compared == compared);
        let within = |most: Option<u32>| most.is_some_and(|most| distance <= most);
        match row {
            _ if self.plain || self.quality < table::LEAST_QUALITY => Band::Weak,
            Some(row) if within(row.strong) => Band::Strong,
            Some(row) if within(row.medium) => Band::Medium,
            _ => Band::Weak,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_media::Rectangle;
    use lykta_media::pdq::Variant;

    fn grounds() -> Grounds<'static> {
        Grounds { view: View::ORIGINAL, entry_view: None, quality: 100, plain: false }
    }

    /// The bands of all distances, each once.
    fn bands(grounds: Grounds<'_>) -> Vec<Band> {
        let mut bands: Vec<Band> = (0..=256).map(|distance| grounds.band(distance)).collect();
        assert!(bands.is_sorted(), "farther is never stronger");
        bands.dedup();
        bands
    }

    #[test]
    fn parts_are_never_strong_and_plain_or_flat_pictures_are_weak() {
        let rectangle = Rectangle { left: 0, top: 0, width: 9, height: 9 };
        let view = |part| View { part, variant: Variant::Rot90 };
        let all = [Band::Strong, Band::Medium, Band::Weak];
        assert_eq!(bands(grounds()), all);
        assert_eq!(bands(Grounds { view: view(Part::Unbordered(rectangle)), ..grounds() }), all);
        let parts = [
            Grounds { entry_view: Some("centre90"), ..grounds() },
            Grounds { view: view(Part::Upper(rectangle)), ..grounds() },
            Grounds { view: view(Part::Unbordered(rectangle)), entry_view: Some("upper85"), ..grounds() },
        ];
        parts.into_iter().for_each(|part| assert_eq!(bands(part), all[1..]));
        assert_eq!(bands(Grounds { plain: true, ..grounds() }), [Band::Weak]);
        assert_eq!(bands(Grounds { quality: 49, ..grounds() }), [Band::Weak]);
        assert_eq!(bands(Grounds { quality: 50, ..grounds() }), all);
    }

    #[test]
    fn every_kind_of_comparison_has_one_row() {
        for compared in [Compared::Whole, Compared::Unbordered, Compared::Part] {
            assert_eq!(table::TABLE.iter().filter(|row| row.compared == compared).count(), 1);
        }
    }
}
