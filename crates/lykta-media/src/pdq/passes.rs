//! A picture file that is read once or more: for planes of the whole and of parts, and for borders.
//!
//! A picture that has to be decoded whole is decoded once and kept, and so is a small one. A larger
//! one is decoded again when there is something to look for in it: few have borders.

use super::borders::{BorderFinder, MOST_PARTS};
use super::plane::{Planes, RowSampler};
use super::{FileHash, Mode, blocks};
use crate::decode::{Header, Limits, Sink, decode, probe, read_jpeg, read_rows};
use crate::error::{Cause, Error};
use crate::picture::{Channels, Dimensions, Picture, Rectangle};
use crate::sniff::Format;

/// Pixels up to which a picture is kept: beyond, writing them to fresh memory and reading them again
/// costs more than it saves, most pictures having no borders.
const MOST_KEPT: u64 = 2 << 20;

/// Rows that are handed on at a time where all are there, so that they stay in cache while each of
/// several takes them. A multiple of what [`RowSampler`] takes without a copy.
const STRIP: usize = 64;

/// Bytes that a pass holds at most, whatever it looks for.
pub(crate) fn memory(dimensions: Dimensions, channels: Channels) -> u64 {
    // The whole and two ends at once, or all that is within borders.
    MOST_PARTS as u64 * RowSampler::memory(dimensions, channels) + BorderFinder::memory(dimensions)
}

/// A picture file that can be read more than once.
pub(super) struct Passes<'f> {
    bytes: &'f [u8],
    limits: &'f Limits,
    mode: Mode,
    pub(super) header: Header,
    /// Scans of a JPEG that were not read.
    pub(super) unread_scans: usize,
    kept: Option<Picture>,
}

impl<'f> Passes<'f> {
    /// `again` tells that there will be more than one pass.
    pub(super) fn open(bytes: &'f [u8], limits: &'f Limits, mode: Mode, again: bool) -> Result<Self, Error> {
        let header = probe(bytes)?;
        limits.check(&header, header.hash_memory)?;
        let mut passes = Self { bytes, limits, mode, header, unread_scans: 0, kept: None };
        let is_small =
            header.dimensions().pixels() <= MOST_KEPT && header.memory_to_keep() <= limits.max_memory;
        if again && (is_small || header.is_whole()) {
            passes.keep()?;
        }
        Ok(passes)
    }

    fn keep(&mut self) -> Result<(), Error> {
        let read = read_jpeg(self.bytes, self.limits, |opened| opened.picture(), |picture| (picture, 0))?;
        self.kept = Some(match read {
            Some((_, (picture, unread_scans))) => {
                self.unread_scans = unread_scans;
                picture
            }
            None => decode(self.bytes, self.limits)?,
        });
        Ok(())
    }

    /// The planes of the whole picture, of its mirror images too with `mirrored`; those of the parts
    /// `beside` it, unless it is hashed without its pixels; and, if `borders` are looked for, the parts
    /// that are within some.
    pub(super) fn whole(
        &mut self,
        mirrored: bool,
        beside: &[Rectangle],
        borders: bool,
    ) -> Result<Whole, Error> {
        let mode = self.mode;
        let start = |dimensions, channels| {
            let whole = [Rectangle::whole(dimensions)];
            let pass = Pass::new(dimensions, channels, &whole, mode, mirrored);
            pass.with_parts(beside, mode).with_borders(borders)
        };
        if self.kept.is_some() || self.header.format != Format::Jpeg {
            let format = self.header.format;
            return self.rows(start)?.into_whole(format);
        }
        let look = read_jpeg(
            self.bytes,
            self.limits,
            |opened| {
                if blocks::is_precise(opened.dimensions(), opened.unit_rows(), mode) {
                    let (planes, borders, unread_scans) = opened.planes_of_blocks(mode, mirrored)?;
                    return Ok(Look::Blocks(planes, borders, unread_scans));
                }
                opened.read_rows(start).map(|(pass, unread_scans)| Look::Rows(pass, unread_scans))
            },
            Look::Whole,
        )?;
        let Some((_, look)) = look else { return Err(missing(Format::Jpeg)) };
        match look {
            Look::Rows(pass, unread_scans) => {
                self.unread_scans = unread_scans;
                pass.into_whole(Format::Jpeg)
            }
            Look::Whole(picture) => {
                // Found out late to be one for the general decoders, which are slow: once is enough.
                self.kept = Some(picture);
                self.rows(start)?.into_whole(Format::Jpeg)
            }
            Look::Blocks(planes, found, unread_scans) => {
                self.unread_scans = unread_scans;
                Ok((planes, Vec::new(), if borders { found } else { Vec::new() }))
            }
        }
    }

    /// The planes of parts of the picture, of their mirror images too with `mirrored`.
    pub(super) fn parts(&mut self, parts: &[Rectangle], mirrored: bool) -> Result<Vec<Planes>, Error> {
        let mode = self.mode;
        let mut planes = Vec::with_capacity(parts.len());
        for parts in parts.chunks(MOST_PARTS) {
            let start = |dimensions, channels| Pass::new(dimensions, channels, parts, mode, mirrored);
            let pass = self.rows(start)?.finish();
            planes.extend(pass.ok_or_else(|| missing(self.header.format))?.0);
        }
        Ok(planes)
    }

    /// What the file gave.
    pub(super) fn result<H>(&self, hash: H) -> FileHash<H> {
        let Header { format, .. } = self.header;
        FileHash { hash, format, dimensions: self.header.dimensions(), unread_scans: self.unread_scans }
    }

    fn rows(&mut self, start: impl Fn(Dimensions, Channels) -> Pass) -> Result<Pass, Error> {
        if let Some(picture) = &self.kept {
            return Ok(picture.read_rows(start));
        }
        if self.header.format != Format::Jpeg {
            return read_rows(self.bytes, self.limits, start).map(|(_, pass)| pass);
        }
        let whole = |picture: Picture| (picture.read_rows(&start), 0);
        let read = read_jpeg(self.bytes, self.limits, |opened| opened.read_rows(&start), whole)?;
        let (_, (pass, unread_scans)) = read.ok_or_else(|| missing(Format::Jpeg))?;
        self.unread_scans = unread_scans;
        Ok(pass)
    }
}

/// The planes of the whole, of parts beside it, and the parts within borders.
type Whole = (Planes, Vec<Planes>, Vec<Rectangle>);

/// What a JPEG was read for.
enum Look {
    Rows(Pass, usize),
    /// It had to be decoded whole.
    Whole(Picture),
    /// Planes, parts within borders, scans that were not read.
    Blocks(Planes, Vec<Rectangle>, usize),
}

/// Takes all rows of a picture.
pub(super) struct Pass {
    /// Bytes in a row.
    stride: usize,
    samplers: Vec<RowSampler>,
    borders: Option<BorderFinder>,
    dimensions: Dimensions,
    channels: Channels,
}

impl Pass {
    pub(super) fn new(
        dimensions: Dimensions,
        channels: Channels,
        parts: &[Rectangle],
        mode: Mode,
        mirrored: bool,
    ) -> Self {
        let sampler = |part: &Rectangle| RowSampler::new(dimensions, channels, *part, mode, mirrored);
        let stride = dimensions.width as usize * channels.count();
        Self { stride, samplers: parts.iter().map(sampler).collect(), borders: None, dimensions, channels }
    }

    /// Parts that are not mirrored.
    fn with_parts(mut self, parts: &[Rectangle], mode: Mode) -> Self {
        let sampler = |part: &Rectangle| RowSampler::new(self.dimensions, self.channels, *part, mode, false);
        let samplers: Vec<RowSampler> = parts.iter().map(sampler).collect();
        self.samplers.extend(samplers);
        self
    }

    fn with_borders(self, wanted: bool) -> Self {
        let borders = wanted.then(|| BorderFinder::new(self.dimensions, self.channels));
        Self { borders, ..self }
    }

    /// The parts within borders, if they were looked for.
    fn borders(&self) -> Vec<Rectangle> {
        self.borders.as_ref().map(BorderFinder::finish).unwrap_or_default()
    }

    /// The planes of each part, and what is within borders.
    /// None if not all rows came.
    pub(super) fn finish(self) -> Option<(Vec<Planes>, Vec<Rectangle>)> {
        let borders = self.borders();
        let planes: Option<Vec<Planes>> = self.samplers.into_iter().map(RowSampler::finish).collect();
        Some((planes?, borders))
    }

    fn into_whole(self, format: Format) -> Result<Whole, Error> {
        let (planes, borders) = self.finish().ok_or_else(|| missing(format))?;
        let mut planes = planes.into_iter();
        let whole = planes.next().ok_or_else(|| missing(format))?;
        Ok((whole, planes.collect(), borders))
    }
}

impl Sink for Pass {
    fn push(&mut self, rows: &[u8]) {
        for strip in rows.chunks(STRIP * self.stride) {
            self.samplers.iter_mut().for_each(|sampler| sampler.push(strip));
            self.borders.iter_mut().for_each(|borders| borders.push(strip));
        }
    }
}

fn missing(format: Format) -> Error {
    Cause::Damaged { format, reason: "rows are missing".to_owned() }.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the memory that a scan grants, which knows no more of it than its headers.
    #[test]
    fn a_small_picture_is_kept_with_what_its_header_asks_for() {
        let rows =
            b"P6 1600 1200 255\n".iter().copied().chain((0..3 * 1600 * 1200u32).map(|at| (at / 7) as u8));
        let file: Vec<u8> = rows.collect();
        let header = probe(&file).expect("a picture");
        for (memory, is_kept) in [(header.memory_to_keep(), true), (header.hash_memory, false)] {
            let limits = Limits { max_memory: memory, ..Limits::DEFAULT };
            let passes = Passes::open(&file, &limits, Mode::Full, true).expect("within the limits");
            assert_eq!(passes.kept.is_some(), is_kept, "{header:?}");
            assert!(Passes::open(&file, &limits, Mode::Full, false).expect("within").kept.is_none());
        }
    }
}
