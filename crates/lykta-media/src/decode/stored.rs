//! Formats that store rows of pixels as they are: a band of rows under a head of its own is a
//! picture of the same format, and the decoder of `image` reads one band after the other.
//!
//! BMP without compression, binary PNM and farbfeld. In most BMPs the last row comes first, so the
//! bands are taken from the end of the file.

use std::io::Cursor;

use image::codecs::pnm::{
    ArbitraryHeader, BitmapHeader, GraymapHeader, PixmapHeader, PnmDecoder, PnmHeader, PnmSubtype,
    SampleEncoding,
};
use image::{ImageDecoder, ImageFormat};

use crate::decode::general;
use crate::decode::rows::{self, Head, STRIP};
use crate::error::Cause;
use crate::picture::Dimensions;
use crate::sniff::Format;

/// A picture and where its rows lie.
pub(super) struct Source<'a> {
    format: Format,
    guest: ImageFormat,
    /// From the first stored row on.
    pixels: &'a [u8],
    /// Bytes in a stored row.
    row: usize,
    /// Rows in a band.
    band: usize,
    upside_down: bool,
    heading: Heading<'a>,
    head: Head,
}

/// What a band begins with.
enum Heading<'a> {
    /// The headers of the file up to its palette, with another height and place of the pixels.
    Bmp {
        start: &'a [u8],
        is_core: bool,
        upside_down: bool,
    },
    /// The header of the file, with another height.
    Pnm(PnmHeader),
    Farbfeld {
        width: u32,
    },
}

/// Bytes in a band, about.
const BAND_LEN: usize = 64 << 10;

/// Bytes of a BMP before which its headers and palette end: 14 and 124 bytes, three masks, 256
/// colours.
const BMP_HEADERS_LEN: usize = 14 + 124 + 12 + 1024;

impl<'a> Source<'a> {
    /// None if the rows are not stored as they are. `image` is the decoder of the file, which has
    /// read the headers and supports what they say.
    pub(super) fn open(bytes: &'a [u8], format: Format, image: &impl ImageDecoder) -> Option<Self> {
        let (width, height) = image.dimensions();
        let channels = rows::channels(image.color_type())?;
        let (guest, heading, start, row) = match format {
            Format::Bmp => bmp(bytes, width)?,
            Format::Pnm => pnm(bytes, width)?,
            Format::Farbfeld => {
                (ImageFormat::Farbfeld, Heading::Farbfeld { width }, 16, (width as usize).checked_mul(8)?)
            }
            _ => return None,
        };
        let band = (BAND_LEN / row.max(1)).next_multiple_of(STRIP).max(STRIP);
        let samples = u64::from(width) * u64::from(image.color_type().bytes_per_pixel());
        let memory =
            (row as u64).saturating_add(samples).saturating_mul(band as u64).saturating_add(64 << 10);
        Some(Self {
            format,
            guest,
            pixels: bytes.get(start..).unwrap_or_default(),
            row,
            band,
            upside_down: matches!(heading, Heading::Bmp { upside_down: true, .. }),
            heading,
            head: Head { dimensions: Dimensions { width, height }, channels, memory },
        })
    }

    pub(super) fn head(&self) -> Head {
        self.head
    }

    pub(super) fn read(self, out: &mut dyn FnMut(&[u8])) -> Result<(), Cause> {
        let height = self.head.dimensions.height as usize;
        let mut file = Vec::with_capacity(BMP_HEADERS_LEN + self.band * self.row);
        let mut samples = Vec::new();
        for top in (0..height).step_by(self.band) {
            let rows = self.band.min(height - top);
            let first = if self.upside_down { height - top - rows } else { top };
            let band = first.checked_mul(self.row).and_then(|start| self.pixels.get(start..));
            let band = band.and_then(|pixels| pixels.get(..rows * self.row));
            file.clear();
            self.heading.write(rows as u32, &mut file);
            file.extend_from_slice(band.ok_or(Cause::Truncated { format: self.format })?);
            let decoder = general::open(&file, self.guest, self.format, u64::MAX)?;
            let color = decoder.color_type();
            samples.resize(decoder.total_bytes() as usize, 0);
            decoder.read_image(&mut samples).map_err(|error| general::cause(error, self.format))?;
            out(rows::to_8_bits(&mut samples, color));
        }
        Ok(())
    }
}

impl Heading<'_> {
    fn write(&self, rows: u32, file: &mut Vec<u8>) {
        match *self {
            Self::Bmp { start, is_core, upside_down } => {
                file.extend_from_slice(start);
                let height = if upside_down { rows } else { rows.wrapping_neg() }.to_le_bytes();
                if is_core {
                    file[20..22].copy_from_slice(&height[..2]);
                } else {
                    file[22..26].copy_from_slice(&height);
                }
                file[10..14].copy_from_slice(&(start.len() as u32).to_le_bytes());
            }
            Self::Pnm(ref header) => with_rows(header, rows).write(file).expect("memory takes all writes"),
            Self::Farbfeld { width } => {
                file.extend_from_slice(b"farbfeld");
                file.extend_from_slice(&width.to_be_bytes());
                file.extend_from_slice(&rows.to_be_bytes());
            }
        }
    }
}

type Layout<'a> = (ImageFormat, Heading<'a>, usize, usize);

/// The headers of a BMP, as `image` understands them.
fn bmp(bytes: &[u8], width: u32) -> Option<Layout<'_>> {
    const CORE_HEADER_LEN: u32 = 12;
    const UNCOMPRESSED: u32 = 0;
    const MASKS: u32 = 3;
    let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?));
    let is_core = number(14)? == CORE_HEADER_LEN;
    let (bits, compression, height) = if is_core {
        (number(22)? >> 16, UNCOMPRESSED, 1)
    } else {
        (number(26)? >> 16, number(30)?, number(22)? as i32)
    };
    if compression != UNCOMPRESSED && compression != MASKS {
        return None;
    }
    // Rows are padded to four bytes.
    let row = (u64::from(bits) * u64::from(width)).div_ceil(32) * 4;
    let start = &bytes[..bytes.len().min(BMP_HEADERS_LEN)];
    let heading = Heading::Bmp { start, is_core, upside_down: height > 0 };
    Some((ImageFormat::Bmp, heading, number(10)? as usize, usize::try_from(row).ok()?))
}

/// The head of a binary PNM, as `image` reads it.
fn pnm(bytes: &[u8], width: u32) -> Option<Layout<'_>> {
    let mut cursor = Cursor::new(bytes);
    let decoder = PnmDecoder::new(&mut cursor).ok()?;
    let row = match decoder.subtype() {
        PnmSubtype::Bitmap(SampleEncoding::Binary) => (width as usize).div_ceil(8),
        PnmSubtype::Graymap(SampleEncoding::Binary)
        | PnmSubtype::Pixmap(SampleEncoding::Binary)
        | PnmSubtype::ArbitraryMap => {
            (width as usize).checked_mul(decoder.color_type().bytes_per_pixel().into())?
        }
        _ => return None,
    };
    let (cursor, header) = decoder.into_inner();
    let start = usize::try_from(cursor.position()).ok()?;
    Some((ImageFormat::Pnm, Heading::Pnm(header), start, row))
}

/// The header of a PNM of as many rows.
fn with_rows(header: &PnmHeader, rows: u32) -> PnmHeader {
    let bitmap = header.as_bitmap().map(|header| BitmapHeader { height: rows, ..*header }.into());
    let graymap = || header.as_graymap().map(|header| GraymapHeader { height: rows, ..*header }.into());
    let pixmap = || header.as_pixmap().map(|header| PixmapHeader { height: rows, ..*header }.into());
    let arbitrary =
        || header.as_arbitrary().cloned().map(|header| ArbitraryHeader { height: rows, ..header }.into());
    bitmap.or_else(graymap).or_else(pixmap).or_else(arbitrary).expect("one of the four kinds of header")
}
