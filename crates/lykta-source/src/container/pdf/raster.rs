//! Pixels that are stored as such, given as a file of PBM, PGM or PPM.

use std::io::{self, Read};

use super::super::ContainerError;
use super::filter::{Step, read_full};

/// How samples become pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Colors {
    Gray,
    Rgb,
    Cmyk,
    /// Three bytes for each index.
    Indexed(Vec<u8>),
}

impl Colors {
    pub(super) fn samples(&self) -> u64 {
        match self {
            Self::Gray | Self::Indexed(_) => 1,
            Self::Rgb => 3,
            Self::Cmyk => 4,
        }
    }
}

/// A picture of stored pixels.
pub(super) struct Raster<R> {
    pub(super) source: R,
    pub(super) width: u64,
    pub(super) height: u64,
    /// Bits of a sample: 1, 2, 4, 8, 16.
    pub(super) bits: u32,
    pub(super) colors: Colors,
    /// The highest sample is the darkest.
    pub(super) is_inverted: bool,
    pub(super) row: Vec<u8>,
    pub(super) next: u64,
}

/// Bytes of a row, at most: as many as a picture of 4 million pixels in one row has.
pub(super) const MOST_ROW: u64 = 16 << 20;

impl<R> Raster<R> {
    /// Bytes of a row as it is stored.
    pub(super) fn row_len(&self) -> u64 {
        (self.width.saturating_mul(self.colors.samples()).saturating_mul(self.bits.into())).div_ceil(8)
    }

    fn is_bitmap(&self) -> bool {
        self.bits == 1 && self.colors == Colors::Gray
    }

    fn header(&self) -> String {
        let Self { width, height, .. } = self;
        match self.colors {
            Colors::Gray if self.is_bitmap() => format!("P4\n{width} {height}\n"),
            Colors::Gray => format!("P5\n{width} {height}\n255\n"),
            _ => format!("P6\n{width} {height}\n255\n"),
        }
    }

    /// Adds the pixels of `row`.
    fn pixels(&self, row: &[u8], out: &mut Vec<u8>) {
        if self.is_bitmap() {
            // There 1 is black.
            out.extend(row.iter().map(|byte| if self.is_inverted { *byte } else { !byte }));
            return;
        }
        let most = (1u32 << self.bits.min(8)) - 1;
        let samples = |at: usize| match self.bits {
            8 => row.get(at).copied(),
            16 => row.get(2 * at).copied(),
            bits => {
                let bit = at * bits as usize;
                let byte = row.get(bit / 8)?;
                Some(byte >> (8 - bits as usize - bit % 8) & most as u8)
            }
        };
        let scale = |sample: u8| {
            let light = (u32::from(sample) * 255 / most) as u8;
            if self.is_inverted { !light } else { light }
        };
        // Rows can be stated that are much longer than what there is.
        let there = 8 * row.len() / (self.colors.samples() as usize * self.bits as usize);
        for x in 0..there.min(self.width as usize) {
            let sample = |k: usize| samples(x * self.colors.samples() as usize + k);
            let light = |k: usize| sample(k).map(scale);
            match &self.colors {
                Colors::Gray => out.extend(light(0)),
                Colors::Rgb => {
                    if let (Some(r), Some(g), Some(b)) = (light(0), light(1), light(2)) {
                        out.extend([r, g, b]);
                    }
                }
                Colors::Cmyk => {
                    if let (Some(c), Some(m), Some(y), Some(k)) = (light(0), light(1), light(2), light(3)) {
                        out.extend([c, m, y].map(|ink| (u16::from(!ink) * u16::from(!k) / 255) as u8));
                    }
                }
                Colors::Indexed(table) => {
                    let Some(index) = sample(0) else { continue };
                    let at = 3 * usize::from(index);
                    out.extend(table.get(at..at + 3).unwrap_or(&[0; 3]));
                }
            }
        }
    }
}

impl<R: Read> Step for Raster<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        if self.row.is_empty() {
            self.row = vec![0; self.row_len() as usize];
            out.extend_from_slice(self.header().as_bytes());
            return Ok(true);
        }
        let mut row = std::mem::take(&mut self.row);
        let (count, result) = read_full(&mut self.source, &mut row);
        self.pixels(&row[..count], out);
        let is_whole = count == row.len();
        self.row = row;
        result?;
        if !is_whole {
            return Err(ContainerError::CutShort.into());
        }
        self.next += 1;
        Ok(self.next < self.height)
    }
}
