//! Views of a picture that is looked up: all of it, what is within its borders, and what a caption or
//! a watermark leaves of it.

use lykta_hash::Pdq;

use super::passes::Passes;
use super::{FileHash, Mode, PdqHash, Planes, Variant, Variants};
use crate::decode::Limits;
use crate::error::Error;
use crate::picture::{Dimensions, Rectangle};

/// What of a picture was hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// All of it.
    Whole,
    /// What is within its uniform borders.
    Unbordered(Rectangle),
    /// The upper two fifths.
    Upper(Rectangle),
    /// The lower two fifths.
    Lower(Rectangle),
}

impl Part {
    /// Where the part is; none for all of the picture.
    pub const fn rectangle(self) -> Option<Rectangle> {
        match self {
            Self::Whole => None,
            Self::Unbordered(rectangle) | Self::Upper(rectangle) | Self::Lower(rectangle) => Some(rectangle),
        }
    }

    /// The upper and the lower part of a picture of that size.
    pub(super) fn ends(Dimensions { width, height }: Dimensions) -> [Self; 2] {
        let part = (u64::from(height) * 2 / 5).max(1) as u32;
        let from = |top| Rectangle { left: 0, top, width, height: part };
        [Self::Upper(from(0)), Self::Lower(from(height - part))]
    }
}

/// What of a picture was hashed, and how it was turned before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct View {
    /// The part.
    pub part: Part,
    /// How it was turned.
    pub variant: Variant,
}

impl View {
    /// The picture as it is.
    pub const ORIGINAL: Self = Self { part: Part::Whole, variant: Variant::Original };

    /// The name of the upper part, in results and in lists.
    pub const UPPER: &'static str = "upper40";

    /// The name of the lower part, in results and in lists.
    pub const LOWER: &'static str = "lower40";

    /// The name in results: that of the variant, behind `unbordered_` where borders were left away, and
    /// just `unbordered` for the original; of the upper and lower part, which are not turned, that of
    /// the part.
    pub const fn name(self) -> &'static str {
        match (self.part, self.variant) {
            (Part::Whole, variant) => variant.name(),
            (Part::Upper(_), _) => Self::UPPER,
            (Part::Lower(_), _) => Self::LOWER,
            (Part::Unbordered(_), Variant::Original) => "unbordered",
            (Part::Unbordered(_), Variant::Rot90) => "unbordered_rot90",
            (Part::Unbordered(_), Variant::Rot180) => "unbordered_rot180",
            (Part::Unbordered(_), Variant::Rot270) => "unbordered_rot270",
            (Part::Unbordered(_), Variant::FlipX) => "unbordered_flip_x",
            (Part::Unbordered(_), Variant::FlipY) => "unbordered_flip_y",
            (Part::Unbordered(_), Variant::FlipPlus1) => "unbordered_flip_plus1",
            (Part::Unbordered(_), Variant::FlipMinus1) => "unbordered_flip_minus1",
        }
    }
}

/// The hash of a view, and what it is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewed {
    /// The view.
    pub view: View,
    /// The hash.
    pub pdq: Pdq,
    /// Quality of what was hashed, 0..=100.
    pub quality: u8,
    /// As [`Variants::plain`].
    pub plain: bool,
}

/// The hashes of a picture and of parts of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Views {
    /// All of the picture, in all variants.
    pub whole: Variants,
    /// What is within its uniform borders, in all variants, the likeliest first: none if it has none,
    /// and several, up to three, where it is not clear where they end.
    pub unbordered: Vec<(Rectangle, Variants)>,
    /// Its upper and its lower part, if they were asked for.
    pub ends: Vec<Viewed>,
}

impl Views {
    /// Every hash, the original first.
    pub fn iter(&self) -> impl Iterator<Item = Viewed> + '_ {
        let unbordered = self.unbordered.iter().map(|(part, variants)| (Part::Unbordered(*part), variants));
        let turned = std::iter::once((Part::Whole, &self.whole)).chain(unbordered);
        let turned = turned.flat_map(|(part, Variants { hashes, quality, plain })| {
            Variant::ALL.into_iter().zip(hashes).map(move |(variant, pdq)| Viewed {
                view: View { part, variant },
                pdq: *pdq,
                quality: *quality,
                plain: *plain,
            })
        });
        turned.chain(self.ends.iter().copied())
    }
}

/// [`variants`](super::variants) of the picture in the file `bytes`, and of what is within its uniform
/// borders, which are looked for on each side: letterbox and pillarbox, frames, bars of screenshots
/// with or without icons and captions. Borders of less than 4 pixels are none, or of 4 blocks of a JPEG
/// that is hashed without its pixels; and a picture with a side below 32 pixels or above 65,535 has none.
///
/// The hash of a part is that of the picture cut to its rectangle. Cost: for a picture without borders
/// some per cent above [`variants_of_file`](super::variants_of_file); one with borders that has more
/// than two million pixels is decoded twice.
/// Memory: [`Header::hash_memory`](crate::Header::hash_memory).
///
/// # Errors
/// Those of [`hash_file`](super::hash_file).
pub fn views_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Views>, Error> {
    of_file(bytes, limits, mode, false)
}

/// As [`views_of_file`], and the hashes of the upper and the lower two fifths, for lists that have those
/// of their pictures: what lies over the rest does not matter to them. Not of a JPEG so large that it
/// is hashed without its pixels, some six million: there they would cost too much.
///
/// # Errors
/// Those of [`hash_file`](super::hash_file).
pub fn views_and_ends_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Views>, Error> {
    of_file(bytes, limits, mode, true)
}

fn of_file(bytes: &[u8], limits: &Limits, mode: Mode, ends: bool) -> Result<FileHash<Views>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, true)?;
    let views = views(&mut passes, ends)?;
    Ok(passes.result(views))
}

/// The views, with the ends if they are wanted.
pub(super) fn views(passes: &mut Passes<'_>, ends: bool) -> Result<Views, Error> {
    let ends = if ends { Part::ends(passes.header.dimensions()).to_vec() } else { Vec::new() };
    let rectangles: Vec<Rectangle> = ends.iter().filter_map(|end| end.rectangle()).collect();
    let (whole, planes_of_ends, parts) = passes.whole(true, &rectangles, true)?;
    let planes = passes.parts(&parts, true)?;
    let unbordered = parts.into_iter().zip(planes.iter().map(Planes::mirrored_variants)).collect();
    let whole = whole.mirrored_variants();
    let end = |(part, planes): (Part, &Planes)| {
        let (PdqHash { pdq, quality }, plain) = planes.hash_and_plain();
        let view = View { part, variant: Variant::Original };
        // What lies at an end of a page is of its make, whatever it looks like alone.
        Viewed { view, pdq, quality, plain: whole.plain || plain }
    };
    let ends = ends.into_iter().zip(&planes_of_ends).map(end).collect();
    Ok(Views { whole, unbordered, ends })
}
