//! DEFLATE that loses nothing: what came out before an error is given, and then the error.

use std::io::{self, BufRead, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::ContainerError;

/// What is around the compressed bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wrapping {
    None,
    Zlib,
    /// One gzip member behind the other. What follows the last and is none is not read.
    Gzip,
}

/// Decompresses a stream.
pub(super) struct Inflate<R> {
    source: R,
    wrapping: Wrapping,
    stream: Decompress,
    crc: Crc,
    state: State,
    error: Option<io::Error>,
    /// What ended the source, while something was still coming out.
    source_error: Option<io::Error>,
}

#[derive(PartialEq, Eq)]
enum State {
    Header,
    Inside,
    Ended,
}

impl<R: BufRead> Inflate<R> {
    pub(super) fn new(source: R, wrapping: Wrapping) -> Self {
        let state = if wrapping == Wrapping::Gzip { State::Header } else { State::Inside };
        let stream = Decompress::new(wrapping == Wrapping::Zlib);
        Self { source, wrapping, stream, crc: Crc::new(), state, error: None, source_error: None }
    }

    /// Whether a member begins here, behind which its compressed bytes are.
    fn header(&mut self, is_first: bool) -> io::Result<bool> {
        let mut fixed = [0; 10];
        let mut have = 0;
        while have < fixed.len() {
            let count = self.source.read(&mut fixed[have..])?;
            if count == 0 {
                break;
            }
            have += count;
        }
        if !is_first && !fixed.starts_with(&MAGIC) {
            return Ok(false);
        }
        if have < fixed.len() {
            return Err(ContainerError::CutShort.into());
        }
        if !fixed.starts_with(&MAGIC) {
            return Err(damaged("no gzip header").into());
        }
        let mut byte = || -> io::Result<u8> {
            let mut one = [0];
            self.source.read_exact(&mut one)?;
            Ok(one[0])
        };
        if fixed[3] & FLAG_EXTRA != 0 {
            let len = u16::from_le_bytes([byte()?, byte()?]);
            for _ in 0..len {
                byte()?;
            }
        }
        for flag in [FLAG_NAME, FLAG_COMMENT] {
            if fixed[3] & flag != 0 {
                while byte()? != 0 {}
            }
        }
        if fixed[3] & FLAG_CRC != 0 {
            byte()?;
            byte()?;
        }
        Ok(true)
    }

    fn step(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.state {
                State::Ended => return Ok(0),
                State::Header => {
                    let is_first = self.stream.total_in() == 0 && self.crc.amount() == 0;
                    let member = self.header(is_first)?;
                    self.state = if member { State::Inside } else { State::Ended };
                    self.stream.reset(false);
                    self.crc.reset();
                }
                State::Inside => {
                    // What was taken in before an error may have more to give.
                    let (input, end) = match self.source_error.take() {
                        Some(error) => (&[][..], Some(error)),
                        None => match self.source.fill_buf() {
                            Ok(input) if !input.is_empty() => (input, None),
                            Ok(input) => (input, Some(ContainerError::CutShort.into())),
                            Err(error) => (&[][..], Some(error)),
                        },
                    };
                    let (taken, given) = (self.stream.total_in(), self.stream.total_out());
                    let status = self.stream.decompress(input, buffer, FlushDecompress::None);
                    self.source.consume((self.stream.total_in() - taken) as usize);
                    let given = (self.stream.total_out() - given) as usize;
                    if self.wrapping == Wrapping::Gzip {
                        self.crc.update(&buffer[..given]);
                    }
                    match status {
                        Err(_) => self.error = Some(damaged("compressed data is invalid").into()),
                        Ok(Status::StreamEnd) => {
                            self.state = State::Ended;
                            if self.wrapping == Wrapping::Gzip {
                                match self.trailer() {
                                    Ok(()) => self.state = State::Header,
                                    Err(error) => self.error = Some(error),
                                }
                            }
                        }
                        Ok(_) if given == 0 => {
                            if let Some(error) = end {
                                return Err(error);
                            }
                        }
                        Ok(_) => self.source_error = end,
                    }
                    if given > 0 {
                        return Ok(given);
                    }
                    if let Some(error) = self.error.take() {
                        self.state = State::Ended;
                        return Err(error);
                    }
                }
            }
        }
    }

    fn trailer(&mut self) -> io::Result<()> {
        let mut trailer = [0; 8];
        self.source.read_exact(&mut trailer)?;
        let [a, b, c, d, e, f, g, h] = trailer;
        if u32::from_le_bytes([a, b, c, d]) != self.crc.sum()
            || u32::from_le_bytes([e, f, g, h]) != self.crc.amount()
        {
            return Err(damaged("checksum of compressed data").into());
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(error) = self.error.take() {
            self.state = State::Ended;
            return Err(error);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        self.step(buffer).inspect_err(|_| self.state = State::Ended)
    }
}

/// How a gzip member begins: the magic, and DEFLATE.
pub(super) const MAGIC: [u8; 3] = [0x1f, 0x8b, 8];
pub(super) const FLAG_CRC: u8 = 2;
pub(super) const FLAG_EXTRA: u8 = 4;
pub(super) const FLAG_NAME: u8 = 8;
pub(super) const FLAG_COMMENT: u8 = 16;

/// Bytes of the header of a gzip member that begins here. None if it does not end within `bytes`.
pub(super) fn gzip_header(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    let mut at = 10;
    if flags & FLAG_EXTRA != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*bytes.get(10)?, *bytes.get(11)?]));
    }
    for flag in [FLAG_NAME, FLAG_COMMENT] {
        if flags & flag != 0 {
            at += memchr::memchr(0, bytes.get(at..)?)? + 1;
        }
    }
    if flags & FLAG_CRC != 0 {
        at += 2;
    }
    (at <= bytes.len()).then_some(at)
}

/// Decompresses into `out` what `bytes` begin with; how many bytes came out. An error ends it, and is not told.
pub(super) fn first_bytes(bytes: &[u8], wrapping: Wrapping, out: &mut [u8]) -> usize {
    let start = match wrapping {
        Wrapping::Gzip => match gzip_header(bytes) {
            Some(start) => start,
            None => return 0,
        },
        Wrapping::None | Wrapping::Zlib => 0,
    };
    let mut stream = Decompress::new(wrapping == Wrapping::Zlib);
    let _ = stream.decompress(&bytes[start..], out, FlushDecompress::None);
    stream.total_out() as usize
}

pub(super) fn damaged(what: &str) -> ContainerError {
    ContainerError::Damaged(what.to_owned())
}

/// Whether all of `bytes` can be the beginning of DEFLATE.
pub(super) fn is_deflate(bytes: &[u8]) -> bool {
    let mut stream = Decompress::new(false);
    let mut out = vec![0; 16 << 10];
    loop {
        let at = stream.total_in() as usize;
        match stream.decompress(&bytes[at..], &mut out, FlushDecompress::None) {
            Ok(Status::StreamEnd) => return true,
            Ok(_) if at == bytes.len() => return stream.total_out() > 0,
            Ok(_) => {}
            Err(_) => return false,
        }
    }
}
