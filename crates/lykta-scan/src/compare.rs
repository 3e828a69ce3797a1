//! Two pictures, each looked up in a list of the other.

use lykta_hash::Pdq;
use lykta_media::pdq::{
    Crops, FileHash, Mode, PdqHash, View, Viewed, Views, views_and_crops_of_file, views_of_file,
};
use lykta_media::{Error as MediaError, Limits};

use crate::bands::{Band, Grounds};
use crate::rules::are_too_flat;

/// What a scan looks up of a picture, and what a list may hold of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pictured {
    /// What is looked up.
    pub views: Views,
    /// What a list holds.
    pub crops: Crops,
}

/// Both of the picture in the file `bytes`: a [`PictureHash`](crate::PictureHash).
///
/// # Errors
/// Those of [`views_and_crops_of_file`].
pub fn pictured(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Pictured>, MediaError> {
    Ok(views_and_crops_of_file(bytes, limits, mode)?.map(|(views, crops)| Pictured { views, crops }))
}

/// The views that a scan looks up where no list has parts, and no parts: a
/// [`PictureHash`](crate::PictureHash).
///
/// # Errors
/// Those of [`views_of_file`].
pub fn pictured_whole(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Pictured>, MediaError> {
    Ok(views_of_file(bytes, limits, mode)?.map(|views| {
        let crops = Crops { whole: views.whole.original(), parts: Vec::new() };
        Pictured { views, crops }
    }))
}

/// A view of one picture beside the whole or a part of another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// How much it would say as a match.
    pub band: Band,
    /// Bits in which the PDQs differ, 0..=256.
    pub distance: u32,
    /// Those of them that belong to the 8 x 8 lowest frequencies, 0..=64.
    pub coarse_distance: u32,
    /// Whether the view is of the second picture, and the list of the first.
    pub swapped: bool,
    /// The view.
    pub view: View,
    /// The part of the other picture; none for the whole.
    pub entry_view: Option<&'static str>,
    /// Quality of the view, 0..=100.
    pub quality: u8,
    /// Quality of what it is beside, 0..=100.
    pub entry_quality: u8,
    /// Whether what was viewed is plain.
    pub plain: bool,
}

impl Comparison {
    /// Whether a scan would make it a match at that radius in bits and that least quality, 0..=100, if the
    /// list gave the qualities of its entries.
    pub fn is_match(&self, radius: u32, min_quality: u8) -> bool {
        let gate = min_quality.max(1);
        self.distance <= radius && !are_too_flat(gate, Some(self.entry_quality), Some(self.quality))
    }
}

/// All comparisons of two pictures, either looked up in a list of the other, as a scan does: the best
/// band first, then the nearest, then views of the first picture. What has no quality or a blank hash is not
/// compared. Some thousand comparisons, microseconds.
pub fn compare(first: &Pictured, second: &Pictured) -> Vec<Comparison> {
    let mut all = one_way(first, second, false);
    all.extend(one_way(second, first, true));
    all.sort_by_key(|found| (found.band, found.distance, found.swapped, found.view, found.entry_view));
    all
}

fn one_way(viewed: &Pictured, listed: &Pictured, swapped: bool) -> Vec<Comparison> {
    let is_usable = |pdq: Pdq, quality: u8| quality > 0 && !pdq.is_blank();
    let whole = (None, listed.crops.whole);
    let parts = listed.crops.parts.iter().map(|crop| (Some(crop.name), crop.hash));
    let entries: Vec<(Option<&'static str>, PdqHash)> =
        std::iter::once(whole).chain(parts).filter(|(_, hash)| is_usable(hash.pdq, hash.quality)).collect();
    let views = viewed.views.iter().filter(|viewed| is_usable(viewed.pdq, viewed.quality));
    let beside = |Viewed { view, pdq, quality, plain }: Viewed| {
        let comparison = move |(entry_view, hash): &(Option<&'static str>, PdqHash)| {
            let (entry_view, entry_quality) = (*entry_view, hash.quality);
            let distance = pdq.distance(&hash.pdq);
            let grounds = Grounds { view, entry_view, quality: quality.min(entry_quality), plain };
            Comparison {
                band: grounds.band(distance),
                distance,
                coarse_distance: pdq.coarse_distance(&hash.pdq),
                swapped,
                view,
                entry_view,
                quality,
                entry_quality,
                plain,
            }
        };
        entries.iter().map(comparison).collect::<Vec<_>>()
    };
    views.flat_map(beside).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_media::pdq::Variant;

    fn patches(x: u32, y: u32) -> u8 {
        let mixed = (x / 9).wrapping_mul(0x9e37_79b9) ^ (y / 7).wrapping_mul(0x85eb_ca6b);
        (mixed.wrapping_mul(0xc2b2_ae35) >> 24) as u8
    }

    fn picture(width: u32, height: u32, pixel: impl Fn(u32, u32) -> u8) -> Pictured {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y))).map(|(x, y)| pixel(x, y));
        let file: Vec<u8> =
            format!("P5 {width} {height} 255\n").into_bytes().into_iter().chain(pixels).collect();
        pictured(&file, &Limits::DEFAULT, Mode::Full).expect("a picture").hash
    }

    #[test]
    fn a_framed_and_mirrored_copy_is_nearest_without_its_frame_whichever_comes_first() {
        let original = picture(200, 150, patches);
        let framed = picture(240, 190, |x, y| match (x.checked_sub(20), y.checked_sub(20)) {
            (Some(x), Some(y)) if x < 200 && y < 150 => patches(199 - x, y),
            _ => 255,
        });
        for (first, second, swapped) in [(&framed, &original, false), (&original, &framed, true)] {
            let best = compare(first, second)[0];
            assert_eq!((best.distance, best.coarse_distance, best.band), (0, 0, Band::Strong));
            assert_eq!((best.swapped, best.entry_view, best.view.variant), (swapped, None, Variant::FlipY));
            assert_eq!(best.view.name(), "unbordered_flip_y");
        }
    }

    #[test]
    fn a_copy_may_be_flatter_than_what_is_listed_and_not_the_other_way_round() {
        let original = picture(200, 150, patches);
        let mut found = compare(&original, &original)[0];
        let mut of = |quality, entry_quality| {
            (found.quality, found.entry_quality) = (quality, entry_quality);
            found.is_match(0, 50)
        };
        assert_eq!([of(50, 50), of(30, 50), of(29, 50), of(50, 49)], [true, true, false, false]);
    }

    #[test]
    fn different_pictures_are_far_apart_and_flat_ones_are_not_compared() {
        let (one, other) = (picture(200, 150, patches), picture(200, 150, |x, y| patches(x + 900, y + 77)));
        assert!(compare(&one, &other).iter().all(|found| found.distance > 60));
        assert_eq!(compare(&picture(90, 90, |_, _| 9), &picture(90, 90, |_, _| 200)), []);
    }
}
