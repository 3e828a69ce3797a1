//! Where a picture has uniform borders: letterbox and pillarbox, frames, the bars of a phone's
//! screenshot, a band with a caption.
//!
//! ```text
//! each row as it comes: its colour, how many pixels have another, and for how long its ends are even
//! at the end, for each tolerance, with and without captions:
//!     top, bottom  = rows of one colour from the outside
//!     left, right  = what nearly all rows between them have in common
//! ```
//!
//! What is found is a proposal: it costs one more look-up, and nothing depends on its being right. So
//! there are several where it is not clear: a dark picture on black ends at another place for a
//! tolerance of 3 than for one of 12. All numbers here were chosen by `benches/matching`
//! on photographs with borders of known size; docs/matching.md has the recall.

use crate::picture::{Channels, Dimensions, Rectangle};

/// Parts proposed at most. Each costs eight look-ups.
pub(super) const MOST_PARTS: usize = 3;

/// Sides of a picture whose borders are looked for: less has no room for one, more is no picture that
/// somebody framed, and memory for it would grow.
const SIDES: std::ops::RangeInclusive<u32> = 32..=65_535;

/// How far a pixel of a border may be from the border's colour: none but for rounding, and with the
/// noise of JPEG.
const TOLERANCES: [u8; 2] = [3, 12];

/// Of a row of a border, one in so many pixels may have another colour; and of the rows between top
/// and bottom, one in so many may begin with less than the border.
const EXCEPTIONS: usize = 50;

/// A line of a caption, or a row of icons, is no higher than one in so many rows of the picture.
const CAPTION: usize = 12;

/// A border ends where, within a few pixels, at least one in so many has another colour: a sky or a
/// shadow ends slowly.
const SHARPNESS: usize = 10;

/// Pixels within which a border ends.
const END: usize = 4;

/// Pixels of a row that its colour is taken from.
const SAMPLES: usize = 15;

/// Takes the rows of a picture from the top.
pub(super) struct BorderFinder {
    dimensions: Dimensions,
    channels: Channels,
    rows: Vec<Row>,
    /// Room for the luma of a row of RGB.
    luma: Vec<u8>,
}

/// What is known of a row.
#[derive(Clone, Copy)]
struct Row {
    /// What most of its pixels are near to, if so.
    colour: Option<u8>,
    /// By tolerance: pixels that are not near to it, or a good tenth of the row if more.
    others: [u32; TOLERANCES.len()],
    left: End,
    right: End,
}

/// An end of a row.
#[derive(Clone, Copy)]
struct End {
    colour: u8,
    /// By tolerance: pixels from the end inwards that are near to that.
    even: [u32; TOLERANCES.len()],
}

impl BorderFinder {
    pub(super) fn new(dimensions: Dimensions, channels: Channels) -> Self {
        Self { dimensions, channels, rows: Vec::new(), luma: Vec::new() }
    }

    /// Bytes that it holds at most.
    pub(super) fn memory(dimensions: Dimensions) -> u64 {
        let is_looked_at = Self::is_looked_at(dimensions);
        // A reference to each in either direction; or an end, its colour and its depth.
        let at_the_end = 2 * size_of::<&Row>() + size_of::<End>() + 1 + size_of::<usize>();
        let rows = (size_of::<Row>() + at_the_end) as u64 * u64::from(dimensions.height);
        if is_looked_at { rows + u64::from(dimensions.width) } else { 0 }
    }

    fn is_looked_at(Dimensions { width, height }: Dimensions) -> bool {
        SIDES.contains(&width) && SIDES.contains(&height)
    }

    /// Whole rows, from the top.
    pub(super) fn push(&mut self, rows: &[u8]) {
        if !Self::is_looked_at(self.dimensions) {
            return;
        }
        let width = self.dimensions.width as usize;
        // All at once, so that it never has more.
        self.rows.reserve_exact((self.dimensions.height as usize).saturating_sub(self.rows.len()));
        for row in rows.chunks_exact(width * self.channels.count()) {
            let row = match self.channels {
                Channels::Grey => Row::new(row),
                Channels::Rgb => {
                    self.luma.clear();
                    self.luma.extend(row.as_chunks::<3>().0.iter().map(|&[r, g, b]| {
                        ((77 * u32::from(r) + 150 * u32::from(g) + 29 * u32::from(b)) >> 8) as u8
                    }));
                    Row::new(&self.luma)
                }
            };
            self.rows.push(row);
        }
    }

    /// What is within the borders: [`MOST_PARTS`] at most, none if there are no borders. The likeliest
    /// comes first.
    pub(super) fn finish(&self) -> Vec<Rectangle> {
        let mut parts = Vec::new();
        if self.rows.len() != self.dimensions.height as usize || self.rows.is_empty() {
            return parts;
        }
        for captions in [false, true] {
            for level in (0..TOLERANCES.len()).rev() {
                for part in self.within(level, captions).into_iter().flatten() {
                    if is_worth_it(part, self.dimensions) && !parts.iter().any(|other| is_alike(part, *other))
                    {
                        parts.push(part);
                    }
                }
            }
        }
        parts.truncate(MOST_PARTS);
        parts
    }

    /// What is within borders on all sides, and, since sides are less sure, within those at top and
    /// bottom.
    fn within(&self, level: usize, captions: bool) -> [Option<Rectangle>; 2] {
        let width = self.dimensions.width as usize;
        let from =
            |rows: &mut dyn Iterator<Item = &Row>| depth(&rows.collect::<Vec<_>>(), width, level, captions);
        let (top, bottom) = (from(&mut self.rows.iter()), from(&mut self.rows.iter().rev()));
        let Some(rows) = self.rows.get(top..self.rows.len() - bottom).filter(|rows| !rows.is_empty()) else {
            return [None, None];
        };
        let left = side(&mut rows.iter().map(|row| row.left), level);
        let right = side(&mut rows.iter().map(|row| row.right), level);
        let part = |left: usize, right: usize| {
            (left + right < width).then(|| Rectangle {
                left: left as u32,
                top: top as u32,
                width: (width - left - right) as u32,
                height: rows.len() as u32,
            })
        };
        [part(left, right), if left + right > 0 { part(0, 0) } else { None }]
    }
}

impl Row {
    fn new(row: &[u8]) -> Self {
        let widest = TOLERANCES[TOLERANCES.len() - 1];
        let samples: [u8; SAMPLES] = std::array::from_fn(|k| row[k * (row.len() - 1) / (SAMPLES - 1)]);
        let near = |colour: u8| samples.iter().filter(|sample| sample.abs_diff(colour) <= widest).count();
        let colour =
            [samples[SAMPLES / 2], samples[0]].into_iter().find(|colour| near(*colour) > SAMPLES / 2);
        let many = (row.len() / SHARPNESS) as u32 + 1;
        let others = colour.map_or([many; TOLERANCES.len()], |colour| others(row, colour, many));
        Self { colour, others, left: End::new(row.iter()), right: End::new(row.iter().rev()) }
    }

    /// Whether it is one of a border of that colour.
    fn is_of(&self, colour: u8, level: usize, exceptions: usize) -> bool {
        self.colour.is_some_and(|own| own.abs_diff(colour) <= TOLERANCES[level])
            && self.others[level] as usize <= exceptions
    }
}

impl End {
    /// The end that the pixels begin with.
    fn new<'a>(pixels: impl Iterator<Item = &'a u8> + Clone) -> Self {
        let colour = pixels.clone().next().copied().unwrap_or(0);
        let mut even = [0; TOLERANCES.len()];
        let mut count = 0;
        let mut pixels = pixels.peekable();
        for (even, tolerance) in even.iter_mut().zip(TOLERANCES) {
            while pixels.next_if(|pixel| pixel.abs_diff(colour) <= tolerance).is_some() {
                count += 1;
            }
            *even = count;
        }
        Self { colour, even }
    }
}

/// By tolerance, how many pixels are not near to `colour`; `most` where they are more.
fn others(row: &[u8], colour: u8, most: u32) -> [u32; TOLERANCES.len()] {
    let mut others = [0; TOLERANCES.len()];
    for stretch in row.chunks(64) {
        for (others, tolerance) in others.iter_mut().zip(TOLERANCES) {
            let count: u8 = stretch.iter().map(|pixel| u8::from(pixel.abs_diff(colour) > tolerance)).sum();
            *others = (*others + u32::from(count)).min(most);
        }
        if others == [most; TOLERANCES.len()] {
            break;
        }
    }
    others
}

/// How many rows are a border, `rows` being counted from the outside: none if it does not end sharply.
fn depth(rows: &[&Row], width: usize, level: usize, captions: bool) -> usize {
    let Some(colour) = rows[0].colour else { return 0 };
    // What is left must be worth a look.
    let most = rows.len() / 2;
    let caption = if captions { rows.len() / CAPTION } else { 0 };
    let mut depth = 0;
    for (row, number) in rows[..most].iter().zip(1..) {
        if row.is_of(colour, level, width / EXCEPTIONS) {
            depth = number;
        } else if depth == 0 || number - depth > caption {
            break;
        }
    }
    let mut behind = rows[depth..].iter().take(END);
    let is_sharp = behind.any(|row| !row.is_of(colour, level, width / SHARPNESS));
    if is_sharp { depth } else { 0 }
}

/// How many columns are a border, `ends` being those of the rows between top and bottom: none if it
/// does not end sharply.
fn side(ends: &mut dyn Iterator<Item = End>, level: usize) -> usize {
    let ends: Vec<End> = ends.collect();
    let mut colours: Vec<u8> = ends.iter().map(|end| end.colour).collect();
    let colour = *colours.select_nth_unstable(ends.len() / 2).1;
    let even = |end: &End| {
        let is_of_it = end.colour.abs_diff(colour) <= TOLERANCES[level];
        if is_of_it { end.even[level] as usize } else { 0 }
    };
    let mut depths: Vec<usize> = ends.iter().map(even).collect();
    let depth = *depths.select_nth_unstable(ends.len() / EXCEPTIONS).1;
    let sharp = depths.iter().filter(|other| **other < depth + END).count();
    if sharp * SHARPNESS >= ends.len() { depth } else { 0 }
}

/// Whether a part is so much smaller than the picture that it has another hash, and not too small to
/// be what the picture is about.
fn is_worth_it(part: Rectangle, Dimensions { width, height }: Dimensions) -> bool {
    let Rectangle { left, top, .. } = part;
    let (right, bottom) = (width - left - part.width, height - top - part.height);
    let is_smaller = [left, top, right, bottom].into_iter().any(|border| border as usize >= END);
    let is_large = |part: u32, whole: u32| u64::from(part) * 5 >= u64::from(whole) && part >= *SIDES.start();
    let share = 100 * part.dimensions().pixels() / (u64::from(width) * u64::from(height));
    is_smaller && is_large(part.width, width) && is_large(part.height, height) && share >= 15
}

/// Whether the hashes of two parts would hardly differ.
fn is_alike(a: Rectangle, b: Rectangle) -> bool {
    let near = |a: u32, b: u32, side: u32| u64::from(a.abs_diff(b)) * 160 <= u64::from(side);
    near(a.left, b.left, a.width)
        && near(a.left + a.width, b.left + b.width, a.width)
        && near(a.top, b.top, a.height)
        && near(a.top + a.height, b.top + b.height, a.height)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// No two pixels in a row alike, or nearly so.
    fn noise(x: u32, y: u32) -> u8 {
        let mixed = (x.wrapping_mul(0x9e37_79b9) ^ y.wrapping_mul(0x85eb_ca6b)).wrapping_mul(0xc2b2_ae35);
        (mixed >> 24) as u8
    }

    fn found(dimensions: Dimensions, pixel: impl Fn(u32, u32) -> u8) -> Vec<Rectangle> {
        let mut finder = BorderFinder::new(dimensions, Channels::Grey);
        for y in 0..dimensions.height {
            finder.push(&(0..dimensions.width).map(|x| pixel(x, y)).collect::<Vec<u8>>());
        }
        finder.finish()
    }

    fn is_within(part: Rectangle, x: u32, y: u32) -> bool {
        let Rectangle { left, top, width, height } = part;
        (left..left + width).contains(&x) && (top..top + height).contains(&y)
    }

    proptest! {
        /// Each side on its own: none, one or more of them, with noise below the tolerance.
        #[test]
        fn borders_are_found_to_the_pixel(
            (width, height) in (90u32..300, 90u32..300),
            borders in prop::array::uniform4(prop_oneof![Just(0u32), 8u32..25]),
            colour in any::<u8>(),
            rough in 0u8..=3,
        ) {
            let [left, top, right, bottom] = borders;
            let part = Rectangle { left, top, width: width - left - right, height: height - top - bottom };
            let dimensions = Dimensions { width, height };
            let parts = found(dimensions, |x, y| {
                if is_within(part, x, y) { noise(x, y) } else { colour.saturating_add(noise(y, x) % (rough + 1)) }
            });
            if borders == [0; 4] {
                prop_assert_eq!(parts, []);
            } else {
                let edges = |Rectangle { left, top, width, height }: Rectangle| [left, top, left + width, top + height];
                let is_it = |found: &Rectangle| {
                    // A row or column of the picture may happen to be hardly other than the border.
                    edges(*found).iter().zip(edges(part)).all(|(a, b)| a.abs_diff(b) <= 1)
                };
                prop_assert!(parts.iter().any(is_it), "{:?} for {:?}", parts, part);
            }
        }

        /// Whatever the pixels are, parts are within the picture and smaller than it.
        #[test]
        fn parts_are_within_the_picture(
            (width, height) in (1u32..90, 1u32..90),
            seed in any::<u32>(),
            levels in 1u8..5,
        ) {
            let dimensions = Dimensions { width, height };
            let parts = found(dimensions, |x, y| noise(x / 7 + seed % 50, y / 5) % levels * 5);
            prop_assert!(parts.len() <= MOST_PARTS);
            for Rectangle { left, top, width: across, height: down } in parts {
                prop_assert!(across > 0 && down > 0 && left + across <= width && top + down <= height);
                prop_assert!((across, down) != (width, height));
            }
        }
    }

    #[test]
    fn what_is_left_must_be_worth_a_look_and_parts_must_differ() {
        let dimensions = Dimensions { width: 1000, height: 1000 };
        let part = |left, top, width, height| Rectangle { left, top, width, height };
        let is_worth_it = |part| is_worth_it(part, dimensions);
        assert!(is_worth_it(part(4, 0, 996, 1000)) && !is_worth_it(part(3, 3, 994, 994)), "4 pixels");
        assert!(is_worth_it(part(0, 800, 1000, 200)) && !is_worth_it(part(0, 801, 1000, 199)), "a fifth");
        assert!(is_worth_it(part(300, 300, 375, 400)) && !is_worth_it(part(300, 300, 374, 400)), "15 %");
        let one = part(100, 100, 800, 640);
        assert!(is_alike(one, part(105, 104, 800, 640)) && !is_alike(one, part(106, 100, 800, 640)));
        assert!(!is_alike(one, part(100, 105, 800, 640)) && !is_alike(one, part(100, 100, 800, 645)));
    }

    #[test]
    fn a_caption_belongs_to_its_band() {
        let dimensions = Dimensions { width: 200, height: 300 };
        let is_ink = |x: u32, y: u32| (265..280).contains(&y) && noise(x, y) < 90;
        let parts = found(dimensions, |x, y| {
            if y < 240 {
                noise(x, y)
            } else if is_ink(x, y) {
                0
            } else {
                255
            }
        });
        assert!(parts.contains(&Rectangle { left: 0, top: 0, width: 200, height: 240 }), "{parts:?}");
    }

    #[test]
    fn a_sky_is_no_border() {
        let dimensions = Dimensions { width: 200, height: 200 };
        let sky = |x: u32, y: u32| if y < 100 { (y * 2 + x / 4) as u8 } else { noise(x, y) };
        assert_eq!(found(dimensions, sky), []);
        assert_eq!(found(dimensions, |_, _| 7), [], "there is nothing else");
    }
}
