//! Properties that fuzzers and replays call: each takes any bytes and panics where it is violated.

use crate::jpeg::{Coefficients, LumaBlocks, Opened, OutOfRange, Quantized};
use crate::pdq::{self, Mode, Planes, Variant, reference};
use crate::vector::Processor;
use crate::{ErrorKind, Format, Limits, Picture, Pixels, decode as decode_picture, probe, sniff};

/// Decoding any bytes panics nowhere, keeps to what [`probe`] announced and gives the same answer
/// twice; a picture that comes out can be hashed.
pub fn decode(data: &[u8]) {
    let limits = Limits { max_pixels: 1 << 22, max_memory: 1 << 26 };
    let header = probe(data);
    let Ok(picture) = decode_picture(data, &limits) else { return };
    let header = header.expect("what was decoded was probed");
    assert_eq!(picture.dimensions(), header.dimensions());
    assert_eq!(picture.format(), Some(header.format));
    assert!(picture.pixels().bytes().len() as u64 <= header.memory, "more memory than announced");
    assert_eq!(decode_picture(data, &limits).ok(), Some(picture.clone()));
    let views = pdq::variants(&picture, Mode::Full);
    let hash = pdq::hash(&picture, Mode::Full);
    assert_eq!((views.hashes[0], views.quality), (hash.pdq, hash.quality));
}

/// A file is hashed as its decoded picture is, whether or not all of that was in memory; where it
/// is not decoded, it is not hashed either, for the same kind of reason.
pub fn hash_file(data: &[u8]) {
    let limits = Limits { max_pixels: 1 << 22, max_memory: 1 << 27 };
    let kind = |error: crate::Error| error.kind();
    let picture = decode_picture(data, &limits).map_err(kind);
    // Hashing may need more than decoding, of a long row or column, and says so beforehand.
    let needs_more = probe(data).is_ok_and(|header| header.hash_memory > limits.max_memory);
    if picture == Err(ErrorKind::OverLimit) || needs_more {
        return;
    }
    for mode in [Mode::Full, Mode::Cli512] {
        let hash = pdq::hash_file(data, &limits, mode).map_err(kind);
        let variants = pdq::variants_of_file(data, &limits, mode).map_err(kind);
        let views = pdq::views_and_ends_of_file(data, &limits, mode).map_err(kind);
        let crops = pdq::crops_of_file(data, &limits, mode).map_err(kind);
        let picture = picture.as_ref().map_err(|kind| *kind);
        let expected = picture.map(|picture| pdq::variants(picture, mode));
        assert_eq!(views.map(|views| views.hash.whole), expected);
        assert_eq!(crops.map(|crops| crops.hash.whole), picture.map(|picture| pdq::hash(picture, mode)));
        assert_eq!(hash.map(|hash| hash.hash), picture.map(|picture| pdq::hash(picture, mode)));
        assert_eq!(variants.map(|variants| variants.hash), expected);
    }
}

/// A JPEG that this crate reads itself has the pixels that libjpeg finds in it, every one; and the
/// planes that its coefficients give, all four, are those of its pixels, give or take the rounding of
/// these. `libjpeg` is its luma; none if it refuses the file. Gives whether the file was read.
pub fn jpeg(data: &[u8], libjpeg: impl FnOnce(&[u8]) -> Option<Vec<u8>>) -> bool {
    let opened = || (sniff(data) == Some(Format::Jpeg)).then(|| Opened::new(data).ok()).flatten();
    let Some(dimensions) = opened().map(|opened| opened.dimensions()) else { return false };
    if dimensions.pixels() > 1 << 20 {
        return false;
    }
    let Some(Ok((pixels, unread_scans))) = opened().map(|opened| opened.read_rows(|_, _| Vec::new())) else {
        return false;
    };
    let furthest = opened().and_then(|opened| {
        let furthest = Furthest { quantized: Quantized::new(opened.factors()), reach: 0 };
        Some(opened.read(furthest).ok()?.0.reach)
    });
    match libjpeg(data) {
        // It looks at chroma, too.
        None => assert!(unread_scans > 0, "libjpeg refuses it"),
        // What is further out than any picture, it wraps around.
        Some(_) if furthest > Some(16 * 500) => {}
        Some(other) => assert!(pixels == other, "libjpeg has other pixels"),
    }
    let picture = Picture::new(dimensions.width, dimensions.height, Pixels::Grey(pixels));
    let picture = picture.expect("all rows were read");
    if picture.width().min(picture.height()) >= 5 {
        let found = opened().and_then(|opened| opened.planes_of_coefficients(Mode::Full).ok());
        let (found, expected) =
            (found.expect("its blocks were read before"), pdq::planes(&picture, Mode::Full, true));
        same_planes(&found, &expected, furthest.unwrap_or(0) as f32 / 16.0);
    }
    true
}

/// Looks for the block that reaches furthest from the middle.
struct Furthest {
    quantized: Quantized,
    /// In sixteenths of a sample.
    reach: u32,
}

impl LumaBlocks for Furthest {
    type Block<'b> = &'b mut Self;

    fn start_row(&mut self, _: usize) {}

    fn block(&mut self, _: usize, _: usize) -> &mut Self {
        self
    }

    fn end_row(&mut self, _: usize) {}
}

impl Coefficients for &mut Furthest {
    fn set(&mut self, place: usize, value: i32) {
        self.quantized.set(place, value);
    }

    fn set_all(&mut self, values: &[i16; 64]) {
        self.quantized.set_all(values);
    }

    fn finish(self, _: impl Processor) -> Result<(), OutOfRange> {
        self.reach = self.reach.max(self.quantized.reach()?);
        self.quantized.clear();
        Ok(())
    }
}

/// Each value is within half a step of pixels, which are rounded, an eighth for what is rounded between
/// the passes of their transform, and what its constants of 13 bits are off at samples of that size.
fn same_planes(found: &Planes, expected: &Planes, furthest_sample: f32) {
    for (found, expected) in found.all().into_iter().zip(expected.all()) {
        let pairs = found.as_flattened().iter().zip(expected.as_flattened());
        let furthest = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        let tolerance = 0.625 + furthest_sample / 4096.0;
        assert!(furthest <= tolerance, "a value of the plane is {furthest} away from that of the pixels");
    }
}

/// The matrix form of PDQ is its definition, for the picture that `data` describes (width, height
/// and kind in the first five bytes, then pixels, repeated) and all its views.
pub fn pdq_matrix(data: &[u8]) {
    let Some((&[w0, w1, h0, h1, kind], pixels)) = data.split_first_chunk() else { return };
    let width = u32::from(u16::from_le_bytes([w0, w1])) % 700 + 1;
    let height = u32::from(u16::from_le_bytes([h0, h1])) % 700 + 1;
    let channels = if kind & 1 == 0 { 1 } else { 3 };
    let mode = if kind & 2 == 0 { Mode::Full } else { Mode::Cli512 };
    if pixels.is_empty() {
        return;
    }
    let samples = (width * height) as usize * channels;
    let bytes: Vec<u8> = pixels.iter().copied().cycle().take(samples).collect();
    let pixels = if channels == 1 { Pixels::Grey(bytes) } else { Pixels::Rgb(bytes) };
    let picture = Picture::new(width, height, pixels).expect("as many pixels as that");
    matrix_form_is_the_definition(&picture, mode, 1e-2);
}

/// Checks hash, quality and all views of `picture` against the definition. Bits of frequencies
/// within `tolerance` of the median may differ.
///
/// 1e-3 is enough for pictures of something. Made-up bytes may average out to a plane that is flat
/// but for the rounding of the definition's own running sums, which a frequency gathers from all of
/// the plane: a little more than 1e-3 was seen, and ten times that is allowed for such bytes.
pub fn matrix_form_is_the_definition(picture: &Picture, mode: Mode, tolerance: f32) {
    let hash = pdq::hash(picture, mode);
    let views = pdq::variants(picture, mode);
    assert_eq!(views.hashes[0], hash.pdq);
    assert_eq!(views.quality, hash.quality);
    let qualities = reference::qualities(picture, mode, 2e-3);
    assert!(qualities.contains(&hash.quality), "quality {} not {qualities:?}", hash.quality);
    for (view, found) in Variant::ALL.into_iter().zip(views.hashes) {
        let picture = transformed(picture, view);
        let expected = reference::hash(&picture, mode).pdq;
        let undecided = reference::undecided(&picture, mode, tolerance);
        for k in 0..256 {
            let bit = |bytes: &[u8; 32]| bytes[31 - k / 8] >> (k % 8) & 1;
            assert!(
                bit(&found.0) == bit(&expected.0) || undecided.contains(&k),
                "bit {k} of {}x{} {view:?} {mode:?}: {found} not {expected}",
                picture.width(),
                picture.height()
            );
        }
    }
}

/// The pixels of `picture` moved as `view` says.
pub fn transformed(picture: &Picture, view: Variant) -> Picture {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let turned = matches!(view, Variant::Rot90 | Variant::Rot270 | Variant::FlipPlus1 | Variant::FlipMinus1);
    let (new_width, new_height) = if turned { (height, width) } else { (width, height) };
    let channels = picture.pixels().channels();
    let mut bytes = Vec::with_capacity(picture.pixels().bytes().len());
    for y in 0..new_height {
        for x in 0..new_width {
            let (from_y, from_x) = match view {
                Variant::Original => (y, x),
                Variant::Rot90 => (x, width - 1 - y),
                Variant::Rot180 => (height - 1 - y, width - 1 - x),
                Variant::Rot270 => (height - 1 - x, y),
                Variant::FlipX => (height - 1 - y, x),
                Variant::FlipY => (y, width - 1 - x),
                Variant::FlipPlus1 => (x, y),
                Variant::FlipMinus1 => (height - 1 - x, width - 1 - y),
            };
            let at = (from_y * width + from_x) * channels;
            bytes.extend_from_slice(&picture.pixels().bytes()[at..at + channels]);
        }
    }
    let pixels = match picture.pixels() {
        Pixels::Grey(_) => Pixels::Grey(bytes),
        Pixels::Rgb(_) => Pixels::Rgb(bytes),
    };
    Picture::new(new_width as u32, new_height as u32, pixels).expect("as many pixels as before")
}
