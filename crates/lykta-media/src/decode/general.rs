//! Everything but JPEG and HEIC: row by row where the format allows it, else whole by the `image`
//! crate, then down to 8 bits of grey or RGB in place.

use std::borrow::Cow;
use std::io::{Cursor, ErrorKind as IoErrorKind};

use image::error::ImageError;
use image::{ImageDecoder, ImageFormat, ImageReader};

use crate::decode::rows::{self, Sink, Source};
use crate::decode::{Header, Limits, gif, icon, png, stored, tiff, webp};
use crate::error::Cause;
use crate::pdq;
use crate::picture::{Channels, Dimensions, Picture, Pixels};
use crate::sniff::Format;

pub(super) fn probe(bytes: &[u8], format: Format) -> Result<Header, Cause> {
    let (bytes, guest) = picture_within(bytes, format)?;
    match by_rows(&bytes, guest, format, u64::MAX)? {
        Some(source) => Ok(header_by_rows(&source, format)),
        None => Ok(header(&open(&bytes, guest, format, u64::MAX)?, &bytes, format)),
    }
}

pub(super) fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<Picture, Cause> {
    let (bytes, guest) = picture_within(bytes, format)?;
    match by_rows(&bytes, guest, format, limits.max_memory)? {
        Some(source) => source.picture(format),
        None => whole(&bytes, guest, format, limits),
    }
}

/// Gives the rows of the picture to what `start` makes.
pub(super) fn read_rows<S: Sink>(
    bytes: &[u8],
    format: Format,
    limits: &Limits,
    start: impl Fn(Dimensions, Channels) -> S,
) -> Result<S, Cause> {
    let (bytes, guest) = picture_within(bytes, format)?;
    let Some(source) = by_rows(&bytes, guest, format, limits.max_memory)? else {
        return Ok(whole(&bytes, guest, format, limits)?.read_rows(start));
    };
    let mut sink = start(source.head().dimensions, source.head().channels);
    source.read(&mut |rows| sink.push(rows))?;
    Ok(sink)
}

/// The picture, if it can be read row by row.
fn by_rows(
    bytes: &[u8],
    guest: ImageFormat,
    format: Format,
    max_memory: u64,
) -> Result<Option<Source<'_>>, Cause> {
    let image = || open(bytes, guest, format, u64::MAX);
    Ok(match guest {
        ImageFormat::Png => png::Source::open(bytes, format)?.map(Box::new).map(Source::Png),
        ImageFormat::Tiff => {
            tiff::Source::open(bytes, &image()?, max_memory)?.map(Box::new).map(Source::Tiff)
        }
        ImageFormat::Bmp | ImageFormat::Pnm | ImageFormat::Farbfeld => {
            stored::Source::open(bytes, format, &image()?).map(Source::Stored)
        }
        _ => None,
    })
}

fn whole(bytes: &[u8], guest: ImageFormat, format: Format, limits: &Limits) -> Result<Picture, Cause> {
    if format == Format::WebP && !webp::is_whole(bytes) {
        return Err(Cause::Truncated { format });
    }
    let decoder = open(bytes, guest, format, limits.max_memory)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let channels = rows::channels(color)
        .ok_or_else(|| Cause::Unsupported { format, reason: format!("its samples are {color:?}") })?;
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| Cause::Memory { needed: decoder.total_bytes(), limit: limits.max_memory })?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(|error| cause(error, format))?;
    let length = rows::to_8_bits(&mut samples, color).len();
    samples.truncate(length);
    samples.shrink_to_fit();
    if format == Format::Gif
        && channels == Channels::Rgb
        && let Some(frame) = gif::FirstFrame::read(bytes)
    {
        frame.paint_around(&mut samples, width as usize);
    }
    let pixels = match channels {
        Channels::Grey => Pixels::Grey(samples),
        Channels::Rgb => Pixels::Rgb(samples),
    };
    Picture::new(width, height, pixels)
        .ok_or_else(|| Cause::Damaged { format, reason: "pixels are missing".to_owned() })
}

/// The bytes that a decoder of `image` is to see, and which decoder.
fn picture_within(bytes: &[u8], format: Format) -> Result<(Cow<'_, [u8]>, ImageFormat), Cause> {
    let guest = match format {
        Format::Ico => return icon::largest(bytes),
        Format::Png => ImageFormat::Png,
        Format::Gif => ImageFormat::Gif,
        Format::WebP => ImageFormat::WebP,
        Format::Bmp => ImageFormat::Bmp,
        Format::Tiff => ImageFormat::Tiff,
        Format::Pnm => ImageFormat::Pnm,
        Format::Qoi => ImageFormat::Qoi,
        Format::Farbfeld => ImageFormat::Farbfeld,
        _ => return Err(Cause::Undecoded { format }),
    };
    Ok((bytes.into(), guest))
}

/// A decoder that has read the headers. The limit in bytes goes to it before it reads pixels: the
/// short way through `DynamicImage::from_decoder` would ignore it (image-rs/image#3081).
pub(super) fn open(
    bytes: &[u8],
    guest: ImageFormat,
    format: Format,
    max_memory: u64,
) -> Result<impl ImageDecoder + '_, Cause> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), guest);
    let mut bounds = image::Limits::no_limits();
    // Of a PNG this is for metadata and a row, which may be bombs of their own.
    let most =
        if guest == ImageFormat::Png { png::most_allocated(png::width(bytes)) as u64 } else { u64::MAX };
    bounds.max_alloc = Some(max_memory.min(most));
    reader.limits(bounds);
    reader.into_decoder().map_err(|error| cause(error, format))
}

fn header_by_rows(source: &Source<'_>, format: Format) -> Header {
    let rows::Head { dimensions, channels, memory } = source.head();
    let Dimensions { width, height } = dimensions;
    let output = dimensions.pixels().saturating_mul(channels.count() as u64);
    let (whole, passes) = (output.saturating_add(memory), pdq::memory(dimensions, channels));
    let by_rows = passes.saturating_add(memory);
    // Where rows save nothing, the picture is kept while they are sampled.
    let hash_memory = if by_rows < whole { by_rows } else { whole.saturating_add(passes) };
    Header { format, width, height, memory: whole, hash_memory }
}

fn header(decoder: &impl ImageDecoder, bytes: &[u8], format: Format) -> Header {
    let (width, height) = decoder.dimensions();
    let dimensions = Dimensions { width, height };
    let pixels = dimensions.pixels();
    let output = decoder.total_bytes();
    // What the decoder holds beside its output, per format, as its source has it: a second frame
    // (GIF, ICO), samples before they are converted (TIFF), planes or an ARGB picture (WebP).
    let beside = match format {
        Format::Gif | Format::Ico | Format::Tiff => output.max(pixels.saturating_mul(4)),
        Format::WebP => webp::memory(bytes, dimensions, decoder.color_type().has_alpha()),
        _ => 0,
    };
    // And rows, windows and tables, of which PNG's are the largest.
    let memory = output.saturating_add(beside).saturating_add(u64::from(width) * 168 + (600 << 10));
    // The decoder and its buffers are gone when the sampler begins.
    let sampler = pdq::memory(dimensions, Channels::Rgb);
    Header { format, width, height, memory, hash_memory: memory.max(output.saturating_add(sampler)) }
}

pub(super) fn cause(error: ImageError, format: Format) -> Cause {
    match error {
        ImageError::Unsupported(error) => Cause::Unsupported { format, reason: error.to_string() },
        ImageError::Limits(error) => Cause::TooLarge { format, reason: error.to_string() },
        ImageError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Cause::Truncated { format }
        }
        error => Cause::Damaged { format, reason: error.to_string() },
    }
}
