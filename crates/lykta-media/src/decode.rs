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
mod webp;

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Cause, Error};
use crate::picture::{Dimensions, Picture};
use crate::sniff::{Format, SNIFF_LEN, sniff};

/// What one picture may cost at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Pixels, width times height.
    pub max_pixels: u64,
    /// Bytes of the decoded picture and of what its decoder holds at the same time, as
    /// [`Header::memory`] estimates them. The bytes of the file are not counted.
    pub max_memory: u64,
}

impl Limits {
    /// The limits of [`Limits::default`].
    ///
    /// 500 million pixels is above every camera and stitched panorama in ordinary use (100 to 400
    /// million) and below the bombs in circulation: a GIF header of 65,535 x 65,535, a JPEG header
    /// of 65,500 x 65,500, a PNG of 30,000 x 30,000 pixels of one bit in 110 kB. 4 GiB hold a
    /// JPEG of that size with chroma at half resolution, and 500 million pixels of 16-bit RGBA.
    pub const DEFAULT: Self = Self { max_pixels: 500_000_000, max_memory: 4 << 30 };

    fn check(&self, header: &Header) -> Result<(), Error> {
        let dimensions = header.dimensions();
        if dimensions.pixels() > self.max_pixels {
            return Err(Cause::Pixels { dimensions, limit: self.max_pixels }.into());
        }
        if header.memory > self.max_memory {
            return Err(Cause::Memory { needed: header.memory, limit: self.max_memory }.into());
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
    /// The same of [`pdq::hash_file`](crate::pdq::hash_file), where it need not decode the whole
    /// picture; it says when it must.
    pub hash_memory: u64,
}

impl Header {
    /// Width and height.
    pub const fn dimensions(&self) -> Dimensions {
        Dimensions { width: self.width, height: self.height }
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
    limits.check(&header)?;
    let format = header.format;
    contained(format, || match format {
        Format::Jpeg => jpeg::decode(bytes, limits),
        Format::Heic => heic::decode(bytes),
        _ => general::decode(bytes, format, limits),
    })
    .map(|picture| picture.with_format(format))
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
