//! Parts of a picture that a list keeps hashes of, so that copies cut to them match.

use super::passes::Passes;
use super::{FileHash, Mode, Part, PdqHash, View};
use crate::decode::Limits;
use crate::error::Error;
use crate::picture::{Dimensions, Rectangle};

/// Parts that are taken of every picture: name in lists, and thousandths that are cut away at the left,
/// top, right and bottom.
const PARTS: [(&str, [u32; 4]); 16] = [
    ("centre97", [13, 13, 13, 13]),
    ("centre95", [25, 25, 25, 25]),
    ("centre92", [38, 38, 38, 38]),
    ("centre90", [50, 50, 50, 50]),
    ("centre87", [63, 63, 63, 63]),
    ("centre85", [75, 75, 75, 75]),
    ("centre80", [100, 100, 100, 100]),
    ("upper95", [0, 0, 0, 50]),
    ("upper90", [0, 0, 0, 100]),
    ("upper85", [0, 0, 0, 150]),
    ("upper80", [0, 0, 0, 200]),
    ("upper60", [0, 0, 0, 400]),
    ("lower95", [0, 50, 0, 0]),
    ("lower90", [0, 100, 0, 0]),
    ("lower80", [0, 200, 0, 0]),
    ("lower60", [0, 400, 0, 0]),
];

/// The hash of a part of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// The name of the part in lists.
    pub name: &'static str,
    /// The part.
    pub rectangle: Rectangle,
    /// Its hash.
    pub hash: PdqHash,
}

/// The hash of a picture and those of its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crops {
    /// Of all of it.
    pub whole: PdqHash,
    /// Of its parts.
    pub parts: Vec<Crop>,
}

/// Hashes of the picture in the file `bytes` and of parts of it, for a list: copies that were cut, or
/// had a band laid over them, match one of these.
///
/// The parts are the middle, less 3 to 20 % of each side; all but a band at the top or bottom; the upper
/// and the lower two fifths; and what is within uniform borders, if the picture has some. The hash of a part is that of the picture cut to
/// it. Cost: the picture is decoded up to eight times, if it has more than two million pixels, else once.
///
/// # Errors
/// Those of [`hash_file`](super::hash_file).
pub fn crops_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Crops>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, true)?;
    let (whole, _, within_borders) = passes.whole(false, &[], true)?;
    let dimensions = passes.header.dimensions();
    let (mut names, mut rectangles): (Vec<&str>, Vec<Rectangle>) =
        PARTS.into_iter().filter_map(|(name, cut)| Some((name, cut_to(dimensions, cut)?))).unzip();
    names.extend([View::UPPER, View::LOWER]);
    rectangles.extend(Part::ends(dimensions).iter().filter_map(|end| end.rectangle()));
    names.extend(within_borders.iter().map(|_| "unbordered"));
    rectangles.extend(within_borders);
    let planes = passes.parts(&rectangles, false)?;
    let crop = |((name, rectangle), hash)| Crop { name, rectangle, hash };
    let hashes = planes.iter().map(super::Planes::hash);
    let parts = names.into_iter().zip(rectangles).zip(hashes).map(crop).collect();
    passes.result(Crops { whole: whole.hash(), parts })
}

/// What is left of a picture; none if it is nothing, or all of it.
fn cut_to(dimensions: Dimensions, thousandths: [u32; 4]) -> Option<Rectangle> {
    let cut = |side: u32, thousandths: u32| (u64::from(side) * u64::from(thousandths) / 1000) as u32;
    let Dimensions { width, height } = dimensions;
    let [left, top, right, bottom] = [
        cut(width, thousandths[0]),
        cut(height, thousandths[1]),
        cut(width, thousandths[2]),
        cut(height, thousandths[3]),
    ];
    let part = Rectangle { left, top, width: width - left - right, height: height - top - bottom };
    (part != Rectangle::whole(dimensions) && part.dimensions().pixels() > 0).then_some(part)
}
