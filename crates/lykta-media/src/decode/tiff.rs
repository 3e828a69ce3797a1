//! TIFF strip by strip, or row of tiles by row of tiles, by the decoder that `image` uses.
//!
//! What is left to `image`: samples in planes of their own, CMYK, and tiles of one bit a pixel.

use std::io::{Cursor, ErrorKind as IoErrorKind};

use image::{ColorType, ExtendedColorType, ImageDecoder};
use tiff::TiffError;
use tiff::decoder::{ChunkType, Decoder, Limits};
use tiff::tags::{CompressionMethod, PlanarConfiguration, Tag};

use crate::decode::rows::{self, Head, STRIP};
use crate::error::Cause;
use crate::picture::Dimensions;
use crate::sniff::Format;

/// The first picture of a TIFF.
pub(super) struct Source<'a> {
    decoder: Decoder<Cursor<&'a [u8]>>,
    color: ColorType,
    /// Black and white, eight pixels a byte.
    is_packed: bool,
    chunks: Chunks,
    head: Head,
}

/// How a picture is cut.
#[derive(Clone, Copy)]
struct Chunks {
    /// Bytes in a row of the picture and in one of a chunk.
    row: usize,
    chunk_row: usize,
    /// Rows of a chunk but for the last ones.
    rows: usize,
    across: u32,
    down: u32,
}

impl<'a> Source<'a> {
    /// None if the picture is left to `image`, whose decoder has read the headers and supports
    /// what they say.
    pub(super) fn open(
        bytes: &'a [u8],
        image: &impl ImageDecoder,
        max_memory: u64,
    ) -> Result<Option<Self>, Cause> {
        let (color, original) = (image.color_type(), image.original_color_type());
        let Some(channels) = rows::channels(color) else { return Ok(None) };
        let is_packed = original == ExtendedColorType::L1;
        if !is_packed && original != color.into() {
            return Ok(None);
        }
        let mut limits = Limits::default();
        limits.intermediate_buffer_size = usize::try_from(max_memory).unwrap_or(usize::MAX);
        let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(cause)?.with_limits(limits);
        let planes = decoder.find_tag_unsigned(Tag::PlanarConfiguration).map_err(cause)?;
        let is_tiled = decoder.get_chunk_type() == ChunkType::Tile;
        if planes == Some(PlanarConfiguration::Planar.to_u16()) || (is_packed && is_tiled) {
            return Ok(None);
        }
        let (width, height) = decoder.dimensions().map_err(cause)?;
        let (chunk_width, chunk_height) = decoder.chunk_dimensions();
        if width == 0 || height == 0 || chunk_width == 0 || chunk_height == 0 {
            return Ok(None);
        }
        let bytes_of = |pixels: u32| match is_packed {
            true => (pixels as usize).div_ceil(8),
            false => pixels as usize * usize::from(color.bytes_per_pixel()),
        };
        let chunks = Chunks {
            row: bytes_of(width),
            chunk_row: bytes_of(chunk_width),
            rows: chunk_height.min(height) as usize,
            across: width.div_ceil(chunk_width),
            down: height.div_ceil(chunk_height),
        };
        let compression: Option<u16> = decoder.find_tag_unsigned(Tag::Compression).map_err(cause)?;
        let dimensions = Dimensions { width, height };
        let strip = STRIP as u64 * u64::from(width);
        // A chunk of JPEG is decoded as a whole, perhaps with all its coefficients.
        let coefficients = if compression == Some(CompressionMethod::ModernJPEG.to_u16()) { 12 } else { 0 };
        let rows = chunks.rows as u64;
        let chunk = rows.saturating_mul(chunks.chunk_row.min(chunks.row) as u64);
        let count = u64::from(chunks.across) * u64::from(chunks.down);
        let beside = if is_tiled { 1 + coefficients } else { coefficients };
        let memory = rows
            .saturating_mul(chunks.row as u64)
            .saturating_add(chunk.saturating_mul(beside))
            .saturating_add(if is_packed { strip } else { 0 })
            // Places and lengths of chunks, and what decompressors hold.
            .saturating_add(count.saturating_mul(128))
            .saturating_add(512 << 10);
        let head = Head { dimensions, channels, memory };
        Ok(Some(Self { decoder, color, is_packed, chunks, head }))
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn read(mut self, out: &mut dyn FnMut(&[u8])) -> Result<(), Cause> {
        let Dimensions { width, height } = self.head.dimensions;
        let Chunks { row, chunk_row, rows, across, down } = self.chunks;
        let mut samples = vec![0; rows * row];
        let mut tile = if self.decoder.get_chunk_type() == ChunkType::Tile {
            vec![0; rows * chunk_row.min(row)]
        } else {
            Vec::new()
        };
        let mut strip = if self.is_packed { vec![0; STRIP * width as usize] } else { Vec::new() };
        for y in 0..down {
            let samples = &mut samples[..rows.min(height as usize - y as usize * rows) * row];
            if tile.is_empty() {
                self.decoder.read_chunk_bytes(y, samples).map_err(cause)?;
            } else {
                for x in 0..across {
                    let left = x as usize * chunk_row;
                    let length = chunk_row.min(row - left);
                    let tile = &mut tile[..samples.len() / row * length];
                    self.decoder.read_chunk_bytes(y * across + x, tile).map_err(cause)?;
                    for (to, from) in samples.chunks_exact_mut(row).zip(tile.chunks_exact(length)) {
                        to[left..][..length].copy_from_slice(from);
                    }
                }
            }
            for rows in samples.chunks_mut(STRIP * row) {
                if self.is_packed {
                    let strip = &mut strip[..rows.len() / row * width as usize];
                    unpack(rows, row, strip, width as usize);
                    out(strip);
                } else {
                    out(rows::to_8_bits(rows, self.color));
                }
            }
        }
        Ok(())
    }
}

/// One byte a pixel of rows with one bit a pixel, the high bit on the left.
fn unpack(bits: &[u8], row: usize, pixels: &mut [u8], width: usize) {
    for (bits, pixels) in bits.chunks_exact(row).zip(pixels.chunks_exact_mut(width)) {
        for (x, pixel) in pixels.iter_mut().enumerate() {
            *pixel = if bits[x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 };
        }
    }
}

fn cause(error: TiffError) -> Cause {
    let format = Format::Tiff;
    match error {
        TiffError::IoError(error) if error.kind() == IoErrorKind::UnexpectedEof => {
            Cause::Truncated { format }
        }
        TiffError::UnsupportedError(what) => Cause::Unsupported { format, reason: what.to_string() },
        TiffError::LimitsExceeded => Cause::TooLarge { format, reason: error.to_string() },
        error => Cause::Damaged { format, reason: error.to_string() },
    }
}
