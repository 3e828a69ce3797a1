//! Pictures that come row by row, so that nobody need hold all their pixels.

use image::ColorType;

use crate::decode::{png, stored, tiff};
use crate::error::Cause;
use crate::picture::{Channels, Dimensions, Picture, Pixels};
use crate::sniff::Format;

/// Rows that are handed on at a time, where the format does not say otherwise: as many as the
/// sampler of PDQ takes without a copy.
pub(super) const STRIP: usize = 8;

/// What takes the rows of a picture, from the top, any number of whole ones at a time.
pub(crate) trait Sink {
    fn push(&mut self, rows: &[u8]);
}

impl Sink for Vec<u8> {
    fn push(&mut self, rows: &[u8]) {
        self.extend_from_slice(rows);
    }
}

/// A picture whose decoder gives it row by row.
pub(super) enum Source<'a> {
    Png(Box<png::Source<'a>>),
    Tiff(Box<tiff::Source<'a>>),
    Stored(stored::Source<'a>),
}

/// What is known of a [`Source`] before it is read.
#[derive(Clone, Copy)]
pub(super) struct Head {
    pub(super) dimensions: Dimensions,
    /// Of the rows that come out.
    pub(super) channels: Channels,
    /// Bytes that its decoder holds at most, without those of the file.
    pub(super) memory: u64,
}

impl Source<'_> {
    pub(super) fn head(&self) -> Head {
        match self {
            Self::Png(source) => source.head(),
            Self::Tiff(source) => source.head(),
            Self::Stored(source) => source.head(),
        }
    }

    /// Gives all rows to `out`, 8 bits a sample; or some, and an error.
    pub(super) fn read(self, out: &mut dyn FnMut(&[u8])) -> Result<(), Cause> {
        match self {
            Self::Png(source) => source.read(out),
            Self::Tiff(source) => source.read(out),
            Self::Stored(source) => source.read(out),
        }
    }

    /// The whole picture.
    pub(super) fn picture(self, format: Format) -> Result<Picture, Cause> {
        let Head { dimensions, channels, .. } = self.head();
        let samples = dimensions.pixels() as usize * channels.count();
        let mut bytes = Vec::with_capacity(samples);
        // No more than there is room for, whatever the decoder says.
        self.read(&mut |rows| bytes.extend_from_slice(&rows[..rows.len().min(samples - bytes.len())]))?;
        let pixels = match channels {
            Channels::Grey => Pixels::Grey(bytes),
            Channels::Rgb => Pixels::Rgb(bytes),
        };
        Picture::new(dimensions.width, dimensions.height, pixels)
            .ok_or_else(|| Cause::Damaged { format, reason: "pixels are missing".to_owned() })
    }
}

/// What [`to_8_bits`] makes of samples; none if it knows them not.
pub(super) const fn channels(color: ColorType) -> Option<Channels> {
    match color {
        ColorType::L8 | ColorType::La8 | ColorType::L16 | ColorType::La16 => Some(Channels::Grey),
        ColorType::Rgb8
        | ColorType::Rgba8
        | ColorType::Rgb16
        | ColorType::Rgba16
        | ColorType::Rgb32F
        | ColorType::Rgba32F => Some(Channels::Rgb),
        _ => None,
    }
}

/// Drops alpha and the lower half of the precision, in place; the first bytes are what is left.
pub(super) fn to_8_bits(samples: &mut [u8], color: ColorType) -> &mut [u8] {
    let length = match color {
        ColorType::La8 => keep::<2, 1>(samples, |pixel| [pixel[0]]),
        ColorType::Rgba8 => keep::<4, 3>(samples, |pixel| [pixel[0], pixel[1], pixel[2]]),
        ColorType::L16 => keep::<2, 1>(samples, of_16_bits),
        ColorType::La16 => keep::<4, 1>(samples, of_16_bits),
        ColorType::Rgb16 => keep::<6, 3>(samples, of_16_bits),
        ColorType::Rgba16 => keep::<8, 3>(samples, of_16_bits),
        ColorType::Rgb32F => keep::<12, 3>(samples, of_floats),
        ColorType::Rgba32F => keep::<16, 3>(samples, of_floats),
        _ => samples.len(),
    };
    &mut samples[..length]
}

/// Replaces every `FROM` bytes by `TO` of them, moving forward in the same buffer.
fn keep<const FROM: usize, const TO: usize>(
    samples: &mut [u8],
    pixel: impl Fn(&[u8; FROM]) -> [u8; TO],
) -> usize {
    let pixels = samples.len() / FROM;
    for i in 0..pixels {
        let mut from = [0; FROM];
        from.copy_from_slice(&samples[i * FROM..][..FROM]);
        samples[i * TO..][..TO].copy_from_slice(&pixel(&from));
    }
    pixels * TO
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
