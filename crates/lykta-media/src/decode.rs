//! Bytes to pixels within limits, whoever the decoder is.
//!
//! Each decoder is a guest: it sees bytes that a stranger made, so its declared size is checked
//! before it allocates, it runs under `catch_unwind`, and a picture that it could not finish is an
//! error. A picture cut short must never become a hash of its upper half on grey.

mod general;
mod gif;
mod heic;
mod icon;
mod jpeg;
mod png;
mod rows;
mod stored;
mod tiff;
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

pub(crate) use self::rows::Sink;
use crate::error::{Cause, Error};
use crate::jpeg::{Failure, Opened};
use crate::picture::{Channels, Dimensions, Picture};
use crate::sniff::{Format, SNIFF_LEN, sniff};

/// What one picture may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels, width times height. Of a picture that cannot be taken row by row (see
    /// [`pdq::hash_file`](crate::pdq::hash_file)), no more than half as many or 500 million,
    /// whichever is more.
    pub max_pixels: u64,
    /// Bytes of the decoded picture and of what its decoder holds at the same time, as
    /// [`Header::memory`] estimates them. The bytes of the file are not counted.
    pub max_memory: u64,
}

impl Limits {
    /// The limits of [`Limits::default`].
    ///
    /// A billion pixels is above what one picture is scanned, photographed or stitched to, but for
    /// a few; half of it, for those that are decoded whole, above every camera and stitched
    /// panorama in ordinary use (100 to 400 million). What keeps bombs cheap is memory (4 GiB hold
    /// a JPEG of 500 million pixels with chroma at half resolution, and as many of 16-bit RGBA),
    /// that a JPEG of more scans may have fewer pixels, and that rows are cheap: a PNG of
    /// 30,000 x 30,000 pixels of one bit, in 110 kB, is hashed in 3 seconds and 4 MB. A GIF header
    /// of 65,535 x 65,535 or a JPEG header of 65,500 x 65,500 is refused.
    pub const DEFAULT: Self = Self { max_pixels: 1_000_000_000, max_memory: 4 << 30 };

    /// Pixels at most where a decoder needs the whole picture, and perhaps several passes over it.
    fn max_pixels_of_whole(&self) -> u64 {
        const OF_WHOLE: u64 = 500_000_000;
        self.max_pixels.min(OF_WHOLE.max(self.max_pixels / 2))
    }

    /// The limits for a decoder that needs the whole picture.
    fn of_whole(&self) -> Self {
        Self { max_pixels: self.max_pixels_of_whole(), ..*self }
    }

    pub(crate) fn check(&self, header: &Header, needed: u64) -> Result<(), Error> {
        let dimensions = header.dimensions();
        let limit = if header.is_whole() { self.max_pixels_of_whole() } else { self.max_pixels };
        if dimensions.pixels() > limit {
            return Err(Cause::Pixels { dimensions, limit }.into());
        }
        if needed > self.max_memory {
            return Err(Cause::Memory { needed, limit: self.max_memory }.into());
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What the headers of a picture say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The format.
    pub format: Format,
    /// Columns, at least 1.
    pub width: u32,
    /// Rows, at least 1.
    pub height: u32,
    /// Estimate, from above, of the bytes that [`decode`] has allocated at its worst moment.
    pub memory: u64,
    /// The same of [`pdq::hash_file`](crate::pdq::hash_file) and of all that hashes variants, views and parts
    /// of a file: some hundred bytes a column where the
    /// picture comes row by row, all of it where it must be decoded whole.
    pub hash_memory: u64,
}

impl Header {
    /// Width and height.
    pub const fn dimensions(&self) -> Dimensions {
        Dimensions { width: self.width, height: self.height }
    }

    /// With so many bytes a small picture is decoded once for all that is hashed of it, and kept
    /// meanwhile; with fewer it may be decoded again.
    pub fn memory_to_keep(&self) -> u64 {
        let pixels = 3 * self.dimensions().pixels();
        let passes = crate::pdq::memory(self.dimensions(), Channels::Rgb);
        self.memory.max(self.hash_memory).max(pixels.saturating_add(passes))
    }

    /// Whether the picture is decoded whole to be hashed. Of a picture large enough for this to matter,
    /// all pixels are more than some rows.
    pub(crate) const fn is_whole(&self) -> bool {
        self.hash_memory >= self.memory
    }
}

/// Reads the headers of the picture in `bytes`, no pixels.
///
/// Cost: some hundred bytes to a few KiB are read and little is allocated, whatever size the
/// picture claims; only metadata before the pixels of a PNG is read in full (at most 64 MiB).
/// `bytes` may end early as long as the headers are there.
///
/// # Errors
/// [`ErrorKind::NotAPicture`](crate::ErrorKind::NotAPicture),
/// [`ErrorKind::Unsupported`](crate::ErrorKind::Unsupported) and
/// [`ErrorKind::Damaged`](crate::ErrorKind::Damaged). Sizes are reported, not judged.
pub fn probe(bytes: &[u8]) -> Result<Header, Error> {
    let format = decodable(bytes)?;
    let header = contained(format, || match format {
        Format::Jpeg => jpeg::probe(bytes),
        Format::Heic => heic::probe(bytes),
        _ => general::probe(bytes, format),
    })?;
    if header.dimensions().pixels() == 0 {
        return Err(Cause::Damaged { format, reason: "it has no pixels".to_owned() }.into());
    }
    Ok(header)
}

/// Decodes the picture in `bytes`: the whole of it, or an error.
///
/// Palettes become RGB; 1, 2 and 4 bits a sample and 16 bits are scaled to 8; alpha is dropped;
/// CMYK becomes RGB; of several pictures the first (GIF, WebP, TIFF) or largest (ICO) is taken; EXIF
/// orientation and colour profiles are ignored. A JPEG in YCbCr gives its stored luma as grey.
///
/// Cost: time linear in the pixels, of a JPEG in pixels times scans, which are bounded too; memory
/// as [`Header::memory`], checked against `limits` first.
///
/// # Errors
/// Any [`ErrorKind`](crate::ErrorKind). A panic of a decoder is caught and is an error too; the
/// process's panic hook still sees it.
pub fn decode(bytes: &[u8], limits: &Limits) -> Result<Picture, Error> {
    let header = probe(bytes)?;
    limits.check(&header, header.memory)?;
    let format = header.format;
    contained(format, || match format {
        Format::Jpeg => jpeg::read(
            bytes,
            &header,
            limits,
            |opened| opened.picture().map(|(picture, _)| picture),
            |picture| picture,
        ),
        Format::Heic => heic::decode(bytes),
        _ => general::decode(bytes, format, limits),
    })
    .map(|picture| picture.with_format(format))
}

/// Gives the rows of the picture in `bytes`, which is no JPEG, from the top, to what `start` makes of
/// its size: all of them, or an error. Where the decoder needs the whole picture, that is decoded first.
///
/// # Errors
/// Those of [`decode`], with memory as [`Header::hash_memory`].
pub(crate) fn read_rows<S: Sink>(
    bytes: &[u8],
    limits: &Limits,
    start: impl Fn(Dimensions, Channels) -> S,
) -> Result<(Header, S), Error> {
    let header = probe(bytes)?;
    limits.check(&header, header.hash_memory)?;
    let format = header.format;
    let sink = contained(format, || match format {
        Format::Heic => Ok(heic::decode(bytes)?.read_rows(start)),
        _ => general::read_rows(bytes, format, limits, start),
    })?;
    Ok((header, sink))
}

/// Reads a JPEG in the way that `read` chooses; else all of it, which `of_whole` makes the same of.
/// None for other formats.
///
/// # Errors
/// Those of [`decode`], with memory as [`Header::hash_memory`], or [`Header::memory`] if the whole
/// picture is needed after all.
pub(crate) fn read_jpeg<T>(
    bytes: &[u8],
    limits: &Limits,
    read: impl FnOnce(Opened<'_>) -> Result<T, Failure>,
    of_whole: impl FnOnce(Picture) -> T,
) -> Result<Option<(Header, T)>, Error> {
    if decodable(bytes)? != Format::Jpeg {
        return Ok(None);
    }
    let header = probe(bytes)?;
    limits.check(&header, header.hash_memory)?;
    let read = contained(Format::Jpeg, || jpeg::read(bytes, &header, limits, read, of_whole))?;
    Ok(Some((header, read)))
}

fn decodable(bytes: &[u8]) -> Result<Format, Error> {
    let format = sniff(&bytes[..bytes.len().min(SNIFF_LEN)]).ok_or(Cause::NotAPicture)?;
    if format.is_decoded() { Ok(format) } else { Err(Cause::Undecoded { format }.into()) }
}

/// Runs a guest; its panic becomes an error. What it leaves behind is dropped, never looked at.
fn contained<T>(format: Format, guest: impl FnOnce() -> Result<T, Cause>) -> Result<T, Error> {
    match catch_unwind(AssertUnwindSafe(guest)) {
        Ok(result) => result.map_err(Error::from),
        Err(_) => Err(Cause::Panicked { format }.into()),
    }
}
