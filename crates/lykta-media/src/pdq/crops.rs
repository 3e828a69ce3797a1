//! Parts of a picture that a list keeps hashes of, so that copies cut to them match.

use super::passes::Passes;
use super::views::views;
use super::{FileHash, Mode, Part, PdqHash, View, Viewed, Views};
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

/// The name of what is within borders.
const UNBORDERED: &str = "unbordered";

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
/// it. Cost: the picture is decoded up to eight times if it has more than two million pixels, else once, if
/// [`Header::memory_to_keep`](crate::Header::memory_to_keep) is granted.
///
/// # Errors
/// Those of [`hash_file`](super::hash_file).
pub fn crops_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Crops>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, true)?;
    let (whole, _, within_borders) = passes.whole(false, &[], true)?;
    let ends = end_rectangles(&passes);
    let others = ends.into_iter().chain(within_borders.into_iter().map(|part| (UNBORDERED, part))).collect();
    let parts = crops(&mut passes, others)?;
    Ok(passes.result(Crops { whole: whole.hash(), parts }))
}

/// What [`views_and_ends_of_file`](super::views_and_ends_of_file) and [`crops_of_file`] give, for a picture
/// that is looked up and listed: the whole is read once for both.
///
/// # Errors
/// Those of [`hash_file`](super::hash_file).
pub fn views_and_crops_of_file(
    bytes: &[u8],
    limits: &Limits,
    mode: Mode,
) -> Result<FileHash<(Views, Crops)>, Error> {
    let mut passes = Passes::open(bytes, limits, mode, true)?;
    let views = views(&mut passes, true)?;
    // A large JPEG has no ends among its views.
    let ends = if views.ends.is_empty() { end_rectangles(&passes) } else { Vec::new() };
    let mut parts = crops(&mut passes, ends)?;
    let end = |end: &Viewed| {
        let hash = PdqHash { pdq: end.pdq, quality: end.quality };
        end.view.part.rectangle().map(|rectangle| Crop { name: end.view.name(), rectangle, hash })
    };
    parts.extend(views.ends.iter().filter_map(end));
    parts.extend(views.unbordered.iter().map(|(rectangle, variants)| Crop {
        name: UNBORDERED,
        rectangle: *rectangle,
        hash: variants.original(),
    }));
    let whole = views.whole.original();
    Ok(passes.result((views, Crops { whole, parts })))
}

fn end_rectangles(passes: &Passes<'_>) -> Vec<(&'static str, Rectangle)> {
    let ends = Part::ends(passes.header.dimensions()).into_iter().filter_map(Part::rectangle);
    [View::UPPER, View::LOWER].into_iter().zip(ends).collect()
}

/// The parts that are taken of every picture, and `others`.
fn crops(passes: &mut Passes<'_>, others: Vec<(&'static str, Rectangle)>) -> Result<Vec<Crop>, Error> {
    let dimensions = passes.header.dimensions();
    let parts = PARTS.into_iter().filter_map(|(name, cut)| Some((name, cut_to(dimensions, cut)?)));
    let (names, rectangles): (Vec<&str>, Vec<Rectangle>) = parts.chain(others).unzip();
    let planes = passes.parts(&rectangles, false)?;
    let crop = |((name, rectangle), hash)| Crop { name, rectangle, hash };
    let hashes = planes.iter().map(super::Planes::hash);
    Ok(names.into_iter().zip(rectangles).zip(hashes).map(crop).collect())
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
