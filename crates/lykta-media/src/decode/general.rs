//! Everything but JPEG: by the `image` crate, then down to 8 bits of grey or RGB in place.

use std::borrow::Cow;
use std::io::{Cursor, ErrorKind as IoErrorKind};

use image::error::ImageError;
use image::{ColorType, ImageDecoder, ImageFormat, ImageReader};

use crate::decode::{Header, Limits, gif, icon, webp};
use crate::error::Cause;
use crate::picture::{Picture, Pixels};
use crate::sniff::Format;

pub(super) fn probe(bytes: &[u8], format: Format) -> Result<Header, Cause> {
    let (bytes, guest) = picture_within(bytes, format)?;
    Ok(header(&open(&bytes, guest, format, u64::MAX)?, format))
}

pub(super) fn decode(bytes: &[u8], format: Format, limits: &Limits) -> Result<Picture, Cause> {
    let (bytes, guest) = picture_within(bytes, format)?;
    if format == Format::WebP && !webp::is_whole(&bytes) {
        return Err(Cause::Truncated { format });
    }
    let decoder = open(&bytes, guest, format, limits.max_memory)?;
    let (width, height) = decoder.dimensions();
    let color = decoder.color_type();
    let length = usize::try_from(decoder.total_bytes())
        .map_err(|_| Cause::Memory { needed: decoder.total_bytes(), limit: limits.max_memory })?;
    let mut samples = vec![0; length];
    decoder.read_image(&mut samples).map_err(|error| cause(error, format))?;
    let mut pixels = to_8_bits(samples, color)
        .ok_or_else(|| Cause::Unsupported { format, reason: format!("its samples are {color:?}") })?;
    if let (Format::Gif, Pixels::Rgb(rgb)) = (format, &mut pixels)
        && let Some(frame) = gif::FirstFrame::read(&bytes)
    {
        frame.paint_around(rgb, width as usize);
    }
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
fn open(
    bytes: &[u8],
    guest: ImageFormat,
    format: Format,
    max_memory: u64,
) -> Result<impl ImageDecoder + '_, Cause> {
    let mut reader = ImageReader::with_format(Cursor::new(bytes), guest);
    let mut bounds = image::Limits::no_limits();
    bounds.max_alloc = Some(max_memory);
    reader.limits(bounds);
    reader.into_decoder().map_err(|error| cause(error, format))
}

fn header(decoder: &impl ImageDecoder, format: Format) -> Header {
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let output = decoder.total_bytes();
    // What the decoder holds beside its output, per format, as its source has it: a second frame
    // (GIF, ICO), planes or an ARGB picture (WebP), one strip that may be the whole (TIFF), the
    // samples before conversion to bytes (PNM as text).
    let beside = match format {
        Format::Gif | Format::Ico | Format::Tiff | Format::Pnm => output.max(pixels.saturating_mul(4)),
        Format::WebP => pixels.saturating_mul(8),
        _ => u64::from(width) * 16,
    };
    let memory = output.saturating_add(beside);
    Header { format, width, height, memory, hash_memory: memory }
}

fn cause(error: ImageError, format: Format) -> Cause {
    match error {
        ImageError::Unsupported(error) => Cause::Unsupported { format, reason: error.to_string() },
        ImageError::Limits(error) => Cause::TooLarge { format, reason: error.to_string() },
        ImageError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Cause::Truncated { format }
        }
        error => Cause::Damaged { format, reason: error.to_string() },
    }
}

/// Drops alpha and the lower half of the precision, without a second buffer.
fn to_8_bits(samples: Vec<u8>, color: ColorType) -> Option<Pixels> {
    Some(match color {
        ColorType::L8 => Pixels::Grey(samples),
        ColorType::Rgb8 => Pixels::Rgb(samples),
        ColorType::La8 => Pixels::Grey(keep::<2, 1>(samples, |pixel| [pixel[0]])),
        ColorType::Rgba8 => Pixels::Rgb(keep::<4, 3>(samples, |pixel| [pixel[0], pixel[1], pixel[2]])),
        ColorType::L16 => Pixels::Grey(keep::<2, 1>(samples, of_16_bits)),
        ColorType::La16 => Pixels::Grey(keep::<4, 1>(samples, of_16_bits)),
        ColorType::Rgb16 => Pixels::Rgb(keep::<6, 3>(samples, of_16_bits)),
        ColorType::Rgba16 => Pixels::Rgb(keep::<8, 3>(samples, of_16_bits)),
        ColorType::Rgb32F => Pixels::Rgb(keep::<12, 3>(samples, of_floats)),
        ColorType::Rgba32F => Pixels::Rgb(keep::<16, 3>(samples, of_floats)),
        _ => return None,
    })
}

/// Replaces every `FROM` bytes by `TO` of them, moving forward in the same buffer.
fn keep<const FROM: usize, const TO: usize>(
    mut samples: Vec<u8>,
    pixel: impl Fn(&[u8; FROM]) -> [u8; TO],
) -> Vec<u8> {
    let pixels = samples.len() / FROM;
    for i in 0..pixels {
        let mut from = [0; FROM];
        from.copy_from_slice(&samples[i * FROM..][..FROM]);
        samples[i * TO..][..TO].copy_from_slice(&pixel(&from));
    }
    samples.truncate(pixels * TO);
    samples.shrink_to_fit();
    samples
}

/// The first `TO` samples of 16 bits in the machine's order, scaled so that 65535 becomes 255.
#[expect(clippy::host_endian_bytes, reason = "`image` hands out 16-bit samples in the machine's order")]
fn of_16_bits<const FROM: usize, const TO: usize>(pixel: &[u8; FROM]) -> [u8; TO] {
    std::array::from_fn(|i| {
        let sample = u32::from(u16::from_ne_bytes([pixel[2 * i], pixel[2 * i + 1]]));
        ((sample + 128) / 257) as u8
    })
}

/// The first `TO` samples of 32-bit floats in the machine's order, 0.0 to 1.0 as 0 to 255.
#[expect(clippy::host_endian_bytes, reason = "`image` hands out floats in the machine's order")]
fn of_floats<const FROM: usize, const TO: usize>(pixel: &[u8; FROM]) -> [u8; TO] {
    std::array::from_fn(|i| {
        let sample = f32::from_ne_bytes(std::array::from_fn(|k| pixel[4 * i + k]));
        (sample.clamp(0.0, 1.0) * 255.0).round() as u8
    })
}
