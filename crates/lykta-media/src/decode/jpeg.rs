//! JPEG files: [`Opened`] reads what it takes, and general decoders what it refuses.
//!
//! Those are zune-jpeg, and jpeg-decoder for what that cannot read. The question that neither answers
//! is whether the picture was whole: both fill what is missing with grey, and strictness does not find
//! it out in the last rows. So:
//! 1. The end-of-image marker must be there. A file cut short has none.
//! 2. zune-jpeg runs in its strict mode, where broken entropy data is an error.
//! 3. Where either condition fails, the picture is decoded twice, with different bytes where its
//!    data ends. Only a picture that needed none of them comes out the same twice.
//!
//! A pass of decoding costs time linear in the pixels, but there is one for every scan: a scan of
//! 10 bytes makes a decoder walk over all blocks, up to three decodings in all, so a progressive
//! file of 300 kB took half a minute. And zune-jpeg goes through all segments of extended XMP after
//! every further segment of the head, which is quadratic. Neither decoder bounds both, so scans and
//! segments are counted before either runs. Linear in the file, and left alone: Huffman tables,
//! other APPn, and DNL, which neither decoder takes.

mod head;

use std::io::Cursor;

use jpeg_decoder::PixelFormat;
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use self::head::Head;
use crate::decode::{Header, Limits, contained};
use crate::error::Cause;
use crate::jpeg::{Failure, Opened, Refusal};
use crate::pdq;
use crate::picture::{Channels, Dimensions, Picture, Pixels};
use crate::sniff::Format;

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Cause> {
    let head = Head::read(bytes)?;
    let (width, height) = (head.width.into(), head.height.into());
    let by_rows =
        Opened::new(bytes).map(|opened| opened.memory() + pdq::memory(opened.dimensions(), Channels::Grey));
    // Of a small picture, the tables and buffers of whichever decoder are more than its pixels, which
    // are then kept.
    let pixels = u64::from(width) * u64::from(height);
    let (memory, hash_memory) = match by_rows {
        Ok(by_rows) if by_rows < head.memory() => (head.memory(), by_rows),
        Ok(by_rows) => (by_rows + pixels, by_rows + pixels),
        Err(_) => {
            let passes = pdq::memory(Dimensions { width, height }, Channels::Rgb);
            (head.memory(), head.memory().max(3 * pixels + passes))
        }
    };
    Ok(Header { format: Format::Jpeg, width, height, memory, hash_memory })
}

/// Reads a picture: by `read` where [`Opened`] takes it to the end, else by the general decoders, and
/// `of_whole` makes the same of the picture.
///
/// What is damaged on the way is not given to them: they would paper it over with grey.
pub(super) fn read<T>(
    bytes: &[u8],
    header: &Header,
    limits: &Limits,
    read: impl FnOnce(Opened<'_>) -> Result<T, Failure>,
    of_whole: impl FnOnce(Picture) -> T,
) -> Result<T, Cause> {
    let opened = || Ok(Opened::new(bytes).ok().map(read));
    match contained(Format::Jpeg, opened) {
        Ok(Some(Ok(result))) => return Ok(result),
        Ok(Some(Err(Failure { refusal: Refusal::Damaged(reason), usable }))) => {
            return Err(damaged(&format!("{reason}; {usable}")));
        }
        // Its own panic is no reason to give a picture up: there are two decoders more. The process's
        // panic hook has told of it, and where there are tests it is a failure.
        Err(_) if cfg!(debug_assertions) => panic!("this crate's own decoder panicked"),
        Ok(Some(Err(Failure { refusal: Refusal::Unusual(_), .. })) | None) | Err(_) => {}
    }
    let (dimensions, limit) = (header.dimensions(), limits.max_pixels_of_whole());
    if dimensions.pixels() > limit {
        return Err(Cause::Pixels { dimensions, limit });
    }
    // What takes the picture holds as much as what would have taken its rows.
    let needed = header.memory_to_keep();
    if needed > limits.max_memory {
        return Err(Cause::Memory { needed, limit: limits.max_memory });
    }
    decode(bytes, &limits.of_whole()).map(of_whole)
}

/// Scans at most, whatever the size: the advice of libjpeg-turbo. Writers make about ten.
const MOST_SCANS: u64 = 500;

/// Scans at most of a picture of as many pixels as the limits allow. Smaller ones may have more, so
/// that scans times pixels stay below as many times the pixels of the limits.
const MOST_SCANS_OF_LARGEST: u64 = 20;

/// Segments at most before the first scan. A colour profile has at most 255; extended XMP with a
/// map of depth some hundred.
const MOST_SEGMENTS: usize = 10_000;

/// By the general decoders.
fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Cause> {
    let head = Head::read(bytes)?;
    let end = head::end(bytes, &head);
    // No decoder sees what follows the picture: it was not counted.
    let bytes = &bytes[..end.unwrap_or(bytes.len())];
    check_counts(&head, head::scans(bytes, &head), limits)?;
    if end.is_some() {
        let picture = if head.is_regular { first(bytes) } else { Err(damaged(IRREGULAR)) };
        return picture.or_else(|reason| twice(bytes, second).map_err(|_| reason));
    }
    // Some writers leave the marker out. The scans of a progressive picture may then be missing
    // altogether, which decoding twice does not find out.
    if head.has_more_scans {
        return Err(Cause::Truncated { format: Format::Jpeg });
    }
    let picture = if head.is_regular { twice(bytes, first) } else { Err(damaged(IRREGULAR)) };
    picture.or_else(|_| twice(bytes, second))
}

const IRREGULAR: &str = "stray bytes are between its segments";

fn check_counts(head: &Head, scans: u64, limits: &Limits) -> Result<(), Cause> {
    let too_large = |reason| Err(Cause::TooLarge { format: Format::Jpeg, reason });
    if head.segments > MOST_SEGMENTS {
        let found = head.segments;
        return too_large(format!(
            "it has {found} segments before its first scan and the limit is {MOST_SEGMENTS}"
        ));
    }
    let pixels = u64::from(head.width) * u64::from(head.height);
    let most = limits.max_pixels.saturating_mul(MOST_SCANS_OF_LARGEST) / pixels.max(1);
    let most = most.min(MOST_SCANS);
    if scans > most {
        return too_large(format!("it has {scans} scans and the limit at its size is {most}"));
    }
    Ok(())
}

/// Decodes `data`, which lacks its end, with each of two endings; they must agree on every pixel.
fn twice(data: &[u8], decode: fn(&[u8]) -> Result<Picture, Cause>) -> Result<Picture, Cause> {
    let mut bytes = Vec::with_capacity(data.len() + FILLING_LEN + head::END.len());
    let mut run = |seed: u32| {
        bytes.clear();
        bytes.extend_from_slice(data);
        bytes.extend(filling(seed));
        bytes.extend_from_slice(&head::END);
        decode(&bytes)
    };
    // A digest in place of the first picture: two of them may not fit.
    let seen = blake3::hash(run(1)?.pixels().bytes());
    let picture = run(2)?;
    if blake3::hash(picture.pixels().bytes()) == seen {
        Ok(picture)
    } else {
        Err(Cause::Truncated { format: Format::Jpeg })
    }
}

/// Bytes of filling: some hundred blocks, which is more than enough to show.
const FILLING_LEN: usize = 4096;

/// Bytes that look like entropy data and hold no marker. Not a pattern such as 0x55 and 0xaa, which
/// are the same bits but for one, and decode to the same blocks.
fn filling(seed: u32) -> impl Iterator<Item = u8> {
    // Numerical Recipes' linear congruential generator; its high byte is random enough.
    let next = |state: &u32| Some(state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
    let bytes = std::iter::successors(next(&seed), next).map(|state| (state >> 24) as u8);
    bytes.filter(|&byte| byte != 0xff).take(FILLING_LEN)
}

/// zune-jpeg: luma where luma is stored, else RGB.
fn first(bytes: &[u8]) -> Result<Picture, Cause> {
    contained(Format::Jpeg, || {
        let options = DecoderOptions::default()
            .set_max_width(u16::MAX.into())
            .set_max_height(u16::MAX.into())
            .set_strict_mode(true)
            // Those that are too many were refused; those that are many need no other decoder.
            .jpeg_set_max_scans(MOST_SCANS as usize);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        decoder.decode_headers().map_err(reason)?;
        let output = match decoder.input_colorspace() {
            Some(ColorSpace::YCbCr | ColorSpace::Luma) => ColorSpace::Luma,
            _ => ColorSpace::RGB,
        };
        decoder.set_options(options.jpeg_set_out_colorspace(output));
        let samples = decoder.decode().map_err(reason)?;
        let (width, height) = decoder.dimensions().ok_or_else(|| damaged("it has no header"))?;
        let pixels = if output == ColorSpace::Luma { Pixels::Grey(samples) } else { Pixels::Rgb(samples) };
        picture(width, height, pixels)
    })
    .map_err(|error| error.into_cause())
}

/// jpeg-decoder: slower, without luma of its own, but with other gaps than zune-jpeg has.
fn second(bytes: &[u8]) -> Result<Picture, Cause> {
    contained(Format::Jpeg, || {
        let mut decoder = jpeg_decoder::Decoder::new(Cursor::new(bytes));
        let samples = decoder.decode().map_err(|error| damaged(&error.to_string()))?;
        let info = decoder.info().ok_or_else(|| damaged("it has no header"))?;
        let pixels = match info.pixel_format {
            PixelFormat::L8 => Pixels::Grey(samples),
            PixelFormat::RGB24 => Pixels::Rgb(samples),
            PixelFormat::CMYK32 => Pixels::Rgb(rgb_of_cmyk(&samples)),
            PixelFormat::L16 => {
                let reason = "it has more than 8 bits a sample".to_owned();
                return Err(Cause::Unsupported { format: Format::Jpeg, reason });
            }
        };
        picture(info.width.into(), info.height.into(), pixels)
    })
    .map_err(|error| error.into_cause())
}

/// The simple conversion that Pillow and zune-jpeg make too: no ink profile, 255 is full ink.
fn rgb_of_cmyk(samples: &[u8]) -> Vec<u8> {
    let scaled = |ink: u8, light: u8| {
        let product = u32::from(255 - ink) * u32::from(light) + 128;
        ((product + (product >> 8)) >> 8) as u8
    };
    let (pixels, _) = samples.as_chunks::<4>();
    pixels.iter().flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| scaled(ink, 255 - k))).collect()
}

fn picture(width: usize, height: usize, pixels: Pixels) -> Result<Picture, Cause> {
    let side = |length: usize| u32::try_from(length).ok();
    side(width)
        .zip(side(height))
        .and_then(|(width, height)| Picture::new(width, height, pixels))
        .ok_or_else(|| damaged("pixels are missing"))
}

fn damaged(reason: &str) -> Cause {
    Cause::Damaged { format: Format::Jpeg, reason: reason.to_owned() }
}

fn reason(error: DecodeErrors) -> Cause {
    match error {
        DecodeErrors::Unsupported(scheme) => {
            Cause::Unsupported { format: Format::Jpeg, reason: format!("{scheme:?}") }
        }
        error => damaged(&error.to_string()),
    }
}
