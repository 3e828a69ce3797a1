//! PNG row by row, by the decoder that `image` uses, set up as `image` does. An interlaced picture
//! comes in seven passes over all rows and is left to `image`.

use std::io::{Cursor, ErrorKind as IoErrorKind};

use image::ColorType;
use png::{BitDepth, Decoder, DecodingError, Limits, Reader, Transformations};

use crate::decode::rows::{self, Head, STRIP};
use crate::error::Cause;
use crate::picture::Dimensions;
use crate::sniff::Format;

/// A PNG that is not interlaced, read up to its pixels.
pub(super) struct Source<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    color: ColorType,
    head: Head,
    /// What it lies in: a PNG, or an icon.
    format: Format,
}

/// Bytes of metadata that a decoder may keep.
const MOST_METADATA: usize = 64 << 20;

/// What a decoder may allocate: metadata, and a row of four samples of 16 bits a pixel.
pub(super) fn most_allocated(width: u32) -> usize {
    MOST_METADATA.saturating_add((width as usize).saturating_mul(8))
}

/// The width in the header of the PNG `bytes`: after its signature, and length and name of a chunk.
pub(super) fn width(bytes: &[u8]) -> u32 {
    bytes.get(16..).and_then(|rest| rest.first_chunk()).map_or(0, |width| u32::from_be_bytes(*width))
}

impl<'a> Source<'a> {
    /// None if the picture is interlaced.
    pub(super) fn open(bytes: &'a [u8], format: Format) -> Result<Option<Self>, Cause> {
        let mut decoder = Decoder::new(Cursor::new(bytes));
        // Nothing of these is needed, and a profile may be a bomb of its own.
        decoder.set_ignore_text_chunk(true);
        decoder.set_ignore_iccp_chunk(true);
        decoder.set_transformations(Transformations::EXPAND);
        let info = decoder.read_header_info().map_err(|error| cause(error, format))?;
        if info.interlaced {
            return Ok(None);
        }
        let bytes = most_allocated(info.width);
        decoder.set_limits(Limits { bytes });
        let reader = decoder.read_info().map_err(|error| cause(error, format))?;
        let info = reader.info();
        let color = match reader.output_color_type() {
            (png::ColorType::Grayscale, BitDepth::Eight) => ColorType::L8,
            (png::ColorType::Grayscale, BitDepth::Sixteen) => ColorType::L16,
            (png::ColorType::GrayscaleAlpha, BitDepth::Eight) => ColorType::La8,
            (png::ColorType::GrayscaleAlpha, BitDepth::Sixteen) => ColorType::La16,
            (png::ColorType::Rgb, BitDepth::Eight) => ColorType::Rgb8,
            (png::ColorType::Rgb, BitDepth::Sixteen) => ColorType::Rgb16,
            (png::ColorType::Rgba, BitDepth::Eight) => ColorType::Rgba8,
            (png::ColorType::Rgba, BitDepth::Sixteen) => ColorType::Rgba16,
            _ => return Ok(None),
        };
        // An animation whose first frame is not the whole picture: no valid one.
        if info.frame_control.is_some_and(|frame| (frame.width, frame.height) != info.size()) {
            return Ok(None);
        }
        let Some(channels) = rows::channels(color) else { return Ok(None) };
        let (width, height) = info.size();
        let stored_row = info.raw_row_length() as u64;
        let row = u64::from(width) * u64::from(color.bytes_per_pixel());
        let metadata = info.exif_metadata.as_ref().map_or(0, |exif| 3 * exif.len() as u64);
        let head = Head {
            dimensions: Dimensions { width, height },
            channels,
            // Its window: up to seven stored rows and 170 KiB, while it grows to twice that.
            memory: (STRIP as u64 * row)
                .saturating_add(21 * stored_row + (600 << 10))
                .saturating_add(metadata),
        };
        Ok(Some(Self { reader, color, head, format }))
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn read(mut self, out: &mut dyn FnMut(&[u8])) -> Result<(), Cause> {
        let row = self.head.dimensions.width as usize * usize::from(self.color.bytes_per_pixel());
        let mut strip = vec![0; STRIP * row];
        loop {
            let mut length = 0;
            for place in strip.chunks_exact_mut(row) {
                // After the last row this reads on to the end of the pixels' data and its checksum.
                if self.reader.read_row(place).map_err(|error| cause(error, self.format))?.is_none() {
                    break;
                }
                length += row;
            }
            let samples = &mut strip[..length];
            in_machine_order(samples, self.color);
            out(rows::to_8_bits(samples, self.color));
            if length < STRIP * row {
                return Ok(());
            }
        }
    }
}

/// Samples of 16 bits come with the high byte first.
#[expect(clippy::host_endian_bytes, reason = "as `image` hands them out")]
fn in_machine_order(samples: &mut [u8], color: ColorType) {
    if matches!(color, ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16) {
        for sample in samples.as_chunks_mut::<2>().0 {
            *sample = u16::from_be_bytes(*sample).to_ne_bytes();
        }
    }
}

fn cause(error: DecodingError, format: Format) -> Cause {
    match error {
        DecodingError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Cause::Truncated { format }
        }
        DecodingError::LimitsExceeded => Cause::TooLarge { format, reason: error.to_string() },
        error => Cause::Damaged { format, reason: error.to_string() },
    }
}
