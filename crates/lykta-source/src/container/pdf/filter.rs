//! What undoes the filters of a stream, one behind the other.

use std::io::{self, BufRead, Read};

use super::super::ContainerError;
use super::super::inflate::damaged;
use super::object::hex_digit;

/// Decodes what `step` adds to a buffer.
pub(super) struct Stepped<S> {
    step: S,
    ready: Vec<u8>,
    at: usize,
    error: Option<io::Error>,
    ended: bool,
}

/// One step: adds bytes, and whether there may be more.
pub(super) trait Step {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool>;
}

impl<S: Step> Stepped<S> {
    pub(super) fn new(step: S) -> Self {
        Self { step, ready: Vec::new(), at: 0, error: None, ended: false }
    }
}

impl<S: Step> Read for Stepped<S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.ready.len() && !self.ended {
            self.ready.clear();
            self.at = 0;
            match self.step.step(&mut self.ready) {
                Ok(has_more) => self.ended = !has_more,
                Err(error) => {
                    self.error = Some(error);
                    self.ended = true;
                }
            }
        }
        let count = (&self.ready[self.at..]).read(buffer)?;
        self.at += count;
        if count == 0
            && !buffer.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        Ok(count)
    }
}

fn next<R: BufRead>(source: &mut R) -> io::Result<Option<u8>> {
    let byte = source.fill_buf()?.first().copied();
    source.consume(usize::from(byte.is_some()));
    Ok(byte)
}

/// Two digits a byte, up to `>`.
pub(super) struct Hex<R>(pub(super) R);

impl<R: BufRead> Step for Hex<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut high = None;
        while let Some(byte) = next(&mut self.0)? {
            match (hex_digit(byte), high) {
                (Some(digit), None) => high = Some(digit << 4),
                (Some(digit), Some(high)) => {
                    out.push(high | digit);
                    return Ok(true);
                }
                (None, _) if byte == b'>' => break,
                (None, _) => {}
            }
        }
        out.extend(high);
        Ok(false)
    }
}

/// Five characters for four bytes, up to `~`.
pub(super) struct Ascii85<R>(pub(super) R);

impl<R: BufRead> Step for Ascii85<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let (mut group, mut count) = (0u32, 0);
        while let Some(byte) = next(&mut self.0)? {
            match byte {
                b'z' if count == 0 => {
                    out.extend([0; 4]);
                    return Ok(true);
                }
                b'!'..=b'u' => {
                    group = group.wrapping_mul(85).wrapping_add(u32::from(byte - b'!'));
                    count += 1;
                    if count == 5 {
                        out.extend(group.to_be_bytes());
                        return Ok(true);
                    }
                }
                b'~' => break,
                _ => {}
            }
        }
        if count > 1 {
            for _ in count..5 {
                group = group.wrapping_mul(85).wrapping_add(84);
            }
            out.extend(&group.to_be_bytes()[..count - 1]);
        }
        Ok(false)
    }
}

/// A length, and so many bytes or one that is repeated.
pub(super) struct RunLength<R>(pub(super) R);

impl<R: BufRead> Step for RunLength<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        match next(&mut self.0)? {
            None | Some(128) => Ok(false),
            Some(len @ 0..128) => {
                let len = usize::from(len) + 1;
                (&mut self.0).take(len as u64).read_to_end(out)?;
                if out.len() < len { Err(ContainerError::CutShort.into()) } else { Ok(true) }
            }
            Some(len) => {
                let byte = next(&mut self.0)?.ok_or(ContainerError::CutShort)?;
                out.resize(257 - usize::from(len), byte);
                Ok(true)
            }
        }
    }
}

/// LZW with codes of 9 to 12 bits, the highest bit first.
pub(super) struct Lzw<R> {
    source: R,
    /// Of each code from 258 on: the code before its last byte, and that byte.
    table: Vec<(u16, u8)>,
    previous: Option<u16>,
    /// Whether codes get longer one code early.
    is_early: bool,
    bits: u32,
    count: u32,
}

const CLEAR: u16 = 256;
const END: u16 = 257;
const FIRST: u16 = 258;

impl<R: BufRead> Lzw<R> {
    pub(super) fn new(source: R, is_early: bool) -> Self {
        Self { source, table: Vec::new(), previous: None, is_early, bits: 0, count: 0 }
    }

    fn code(&mut self) -> io::Result<Option<u16>> {
        let used = self.table.len() + usize::from(FIRST) + usize::from(self.is_early);
        let width = match used {
            ..512 => 9,
            512..1024 => 10,
            1024..2048 => 11,
            _ => 12,
        };
        while self.count < width {
            let Some(byte) = next(&mut self.source)? else { return Ok(None) };
            self.bits = self.bits << 8 | u32::from(byte);
            self.count += 8;
        }
        self.count -= width;
        Ok(Some((self.bits >> self.count & ((1 << width) - 1)) as u16))
    }

    /// Adds what a code stands for, and gives its first byte.
    fn expand(&self, mut code: u16, out: &mut Vec<u8>) -> Option<u8> {
        let start = out.len();
        while code >= FIRST {
            let (before, byte) = *self.table.get(usize::from(code - FIRST))?;
            out.push(byte);
            code = before;
        }
        out.push(u8::try_from(code).ok()?);
        out[start..].reverse();
        out.get(start).copied()
    }
}

impl<R: BufRead> Step for Lzw<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let Some(code) = self.code()? else { return Ok(false) };
        match code {
            CLEAR => {
                self.table.clear();
                self.previous = None;
                return Ok(true);
            }
            END => return Ok(false),
            _ => {}
        }
        let new = self.table.len() as u16 + FIRST;
        let first = match self.previous {
            Some(previous) if code == new => {
                let first = self.expand(previous, out);
                out.extend(first);
                first
            }
            _ if code < new => self.expand(code, out),
            _ => None,
        };
        let Some(first) = first else { return Err(damaged("a code of LZW").into()) };
        if let Some(previous) = self.previous
            && new < 4096
        {
            self.table.push((previous, first));
        }
        self.previous = Some(code);
        Ok(true)
    }
}

/// Undoes the differences between neighbours, row by row.
pub(super) struct Predictor<R> {
    pub(super) source: R,
    /// Of PNG, with a byte before each row; otherwise of TIFF, for samples of 8 bits.
    pub(super) is_png: bool,
    /// Bytes of a row, and from a sample to the one of the same colour before it.
    pub(super) row: usize,
    pub(super) pixel: usize,
    pub(super) above: Vec<u8>,
}

impl<R: Read> Step for Predictor<R> {
    fn step(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let mut kind = [2];
        if self.is_png
            && let (0, result) = read_full(&mut self.source, &mut kind)
        {
            return result.map(|()| false);
        }
        // Rows can be stated that are much longer than what there is.
        let result = (&mut self.source).take(self.row as u64).read_to_end(out);
        let count = out.len();
        self.above.resize(count.max(self.above.len()), 0);
        for at in 0..count {
            let left = if at >= self.pixel { out[at - self.pixel] } else { 0 };
            let corner = if at >= self.pixel { self.above[at - self.pixel] } else { 0 };
            let above = self.above[at];
            let guess = match (self.is_png, kind[0]) {
                (false, _) | (true, 1) => left,
                (true, 2) => above,
                (true, 3) => u16::midpoint(left.into(), above.into()) as u8,
                (true, 4) => paeth(left, above, corner),
                (true, _) => 0,
            };
            out[at] = out[at].wrapping_add(guess);
        }
        self.above[..count].copy_from_slice(out);
        result?;
        Ok(count == self.row)
    }
}

fn paeth(left: u8, above: u8, corner: u8) -> u8 {
    let [a, b, c] = [left, above, corner].map(i16::from);
    let [da, db, dc] = [(b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs()];
    match () {
        () if da <= db && da <= dc => left,
        () if db <= dc => above,
        () => corner,
    }
}

/// Reads as many bytes as there are; and what ended it, if it was an error.
pub(super) fn read_full(source: &mut impl Read, buffer: &mut [u8]) -> (usize, io::Result<()>) {
    let mut count = 0;
    while count < buffer.len() {
        match source.read(&mut buffer[count..]) {
            Ok(0) => break,
            Ok(more) => count += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (count, Err(error)),
        }
    }
    (count, Ok(()))
}
