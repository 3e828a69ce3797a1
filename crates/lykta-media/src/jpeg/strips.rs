//! Blocks to rows of pixels.

use super::block::{Coefficients, LumaBlocks, OutOfRange, Quantized};
use super::frame::Frame;
use crate::decode::Sink;
use crate::vector::Processor;

/// Turns blocks into strips of pixels, each a row of units high, and gives them to a sink.
pub(super) struct Strips<S> {
    quantized: Quantized,
    pixels: Vec<u8>,
    /// Bytes from one row to the next: whole units, so wider than the picture by some pixels.
    stride: usize,
    width: usize,
    height: usize,
    /// Rows of a full strip.
    rows: usize,
    sink: S,
}

impl<S: Sink> Strips<S> {
    pub(super) fn new(frame: &Frame, factors: &[u16; 64], sink: S) -> Self {
        let stride = frame.blocks().0 * 8;
        let rows = frame.luma().down * 8;
        Self {
            quantized: Quantized::new(factors),
            pixels: vec![0; stride * rows],
            stride,
            width: frame.width,
            height: frame.height,
            rows,
            sink,
        }
    }

    pub(super) fn into_sink(self) -> S {
        self.sink
    }
}

impl<S: Sink> LumaBlocks for Strips<S> {
    type Block<'b>
        = PixelBlock<'b>
    where
        S: 'b;

    fn start_row(&mut self, _: usize) {}

    #[inline(always)]
    fn block(&mut self, x: usize, y: usize) -> PixelBlock<'_> {
        let start = y * 8 * self.stride + x * 8;
        PixelBlock { quantized: &mut self.quantized, pixels: &mut self.pixels[start..], stride: self.stride }
    }

    fn end_row(&mut self, row: usize) {
        let rows = self.rows.min(self.height - row * self.rows);
        if self.stride != self.width {
            for row in 1..rows {
                let start = row * self.stride;
                self.pixels.copy_within(start..start + self.width, row * self.width);
            }
        }
        self.sink.push(&self.pixels[..rows * self.width]);
    }
}

/// One block on its way to pixels.
pub(super) struct PixelBlock<'b> {
    quantized: &'b mut Quantized,
    pixels: &'b mut [u8],
    stride: usize,
}

impl Coefficients for PixelBlock<'_> {
    #[inline(always)]
    fn set(&mut self, place: usize, value: i32) {
        self.quantized.set(place, value);
    }

    #[inline(always)]
    fn set_all(&mut self, values: &[i16; 64]) {
        self.quantized.set_all(values);
    }

    #[inline(always)]
    fn finish(self, processor: impl Processor) -> Result<(), OutOfRange> {
        let reach = self.quantized.reach()?;
        let rows = self.pixels.chunks_mut(self.stride).take(8);
        if let Some(sample) = self.quantized.flat(reach) {
            let sample = (sample + 128) as u8;
            for row in rows {
                row[..8].fill(sample);
            }
        } else {
            // All at once, and then to their rows: one loop of vector operations.
            let mut pixels = [0; 64];
            for (pixel, sample) in pixels.iter_mut().zip(self.quantized.samples(processor).as_flattened()) {
                *pixel = (sample + 128).clamp(0, 255) as u8;
            }
            for (row, pixels) in rows.zip(pixels.as_chunks::<8>().0) {
                row[..8].copy_from_slice(pixels);
            }
        }
        self.quantized.clear();
        Ok(())
    }
}
