//! Entropy-coded data as bits.
//!
//! The data is copied once, in stretches that stay in the cache, without the zero that is stuffed
//! behind every 0xff. So a refill is a load of eight bytes without a look at any of them. Past the
//! end of the data come zeros, which are counted: a decoder need not ask before each code whether
//! there is one, and [`BitReader::finish`] knows at the end.

use super::Refusal;
use super::frame::RESTART;

/// Bytes copied at a time.
const STRETCH: usize = 32 << 10;

/// Bits that are there after a refill, at least.
pub(super) const REFILLED: u32 = 56;

/// Reads the entropy-coded data of one scan, most significant bit first.
///
/// What changes with every code are numbers of its own, and what is seldom called takes and gives them
/// as values: so the compiler can keep them in registers.
pub(super) struct BitReader<'f> {
    window: Window<'f>,
    /// The byte of the window that the next refill begins with.
    at: usize,
    /// The next bits, from the top; `count` of them count.
    bits: u64,
    count: u32,
}

/// The data, a stretch of it unstuffed.
struct Window<'f> {
    file: &'f [u8],
    /// Where the bytes not yet copied begin, in bytes from the start of the file.
    next: usize,
    /// Whether `next` is at a marker or the end of the file.
    at_end: bool,
    bytes: Vec<u8>,
    /// Zero bits that were given for lack of data.
    made_up: u64,
}

impl<'f> BitReader<'f> {
    /// A reader of the data that begins at byte `start` of the file.
    pub(super) fn new(file: &'f [u8], start: usize) -> Self {
        let next = start.min(file.len());
        let window = Window { file, next, at_end: false, bytes: Vec::new(), made_up: 0 };
        Self { window, at: 0, bits: 0, count: 0 }
    }

    /// Makes at least [`REFILLED`] bits ready.
    #[inline(always)]
    pub(super) fn refill(&mut self) {
        if let Some((bytes, _)) = self.window.bytes.get(self.at..).and_then(<[u8]>::split_first_chunk::<8>) {
            self.bits |= u64::from_be_bytes(*bytes) >> self.count;
            let whole = (63 - self.count) >> 3;
            self.at += whole as usize;
            self.count += whole * 8;
        } else {
            (self.at, self.bits, self.count) = self.window.refill(self.at, self.bits, self.count);
        }
    }

    /// The next `count` bits, 1..=32, without moving on.
    #[inline(always)]
    pub(super) fn peek(&self, count: u32) -> usize {
        (self.bits >> (64 - count)) as usize
    }

    /// The next bits, from the top; after a refill, [`REFILLED`] of them count.
    #[inline(always)]
    pub(super) fn bits(&self) -> u64 {
        self.bits
    }

    /// Moves on by `count` bits, which must be there: no more than [`REFILLED`] since the last
    /// refill.
    #[inline(always)]
    pub(super) fn skip(&mut self, count: u32) {
        debug_assert!(count <= self.count);
        self.bits <<= count & 63;
        self.count = self.count.wrapping_sub(count);
    }

    /// Takes `count` bits, 0..=16; they must be there.
    #[inline(always)]
    pub(super) fn take(&mut self, count: u32) -> u32 {
        let value = top(self.bits, count);
        self.skip(count);
        value
    }

    /// Checks that no bits were used that were made up.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.window.made_up > u64::from(self.count) { Err(ENDS_BEFORE) } else { Ok(()) }
    }

    /// Checks that the data was used up: less than a byte of padding is left, none is missing.
    /// Gives the byte of the file at which the marker behind it begins.
    pub(super) fn finish(&mut self) -> Result<usize, Refusal> {
        self.window.finish(self.at, self.count)
    }

    /// Finishes an interval of the scan and goes on behind the restart marker `number`, 0..=7.
    pub(super) fn restart(&mut self, number: u8) -> Result<(), Refusal> {
        self.window.restart(self.at, self.count, number)?;
        (self.at, self.bits, self.count) = (0, 0, 0);
        Ok(())
    }
}

const ENDS_BEFORE: Refusal = Refusal::Damaged("its entropy-coded data ends before the picture does");

/// The first `count` of the bits, 0..=16.
#[inline(always)]
pub(super) fn top(bits: u64, count: u32) -> u32 {
    (bits >> 32 >> (32 - count)) as u32
}

/// The value that the first `size` of the bits, 0..=16, stand for by the rule of EXTEND: T.81, F.2.2.1.
#[inline(always)]
pub(super) fn signed(bits: u64, size: u32) -> i32 {
    let value = top(bits, size) as i32;
    if size != 0 && value >> (size - 1) == 0 { value - (1 << size) + 1 } else { value }
}

impl Window<'_> {
    #[cold]
    #[inline(never)]
    fn refill(&mut self, mut at: usize, mut bits: u64, mut count: u32) -> (usize, u64, u32) {
        if !self.at_end {
            self.bytes.drain(..at);
            at = 0;
            self.copy();
        }
        while count < REFILLED {
            let byte = self.bytes.get(at).copied();
            match byte {
                Some(_) => at += 1,
                None => self.made_up += 8,
            }
            bits |= u64::from(byte.unwrap_or(0)) << (56 - count);
            count += 8;
        }
        (at, bits, count)
    }

    /// Copies bytes until the window is full or a marker follows.
    fn copy(&mut self) {
        while self.bytes.len() < STRETCH {
            let room = STRETCH - self.bytes.len();
            let rest = &self.file[self.next..];
            let stretch = &rest[..rest.len().min(room)];
            let Some(plain) = memchr::memchr(0xff, stretch) else {
                self.bytes.extend_from_slice(stretch);
                self.next += stretch.len();
                if stretch.len() == rest.len() {
                    self.at_end = true;
                    return;
                }
                continue;
            };
            self.bytes.extend_from_slice(&stretch[..plain]);
            self.next += plain;
            match rest.get(plain + 1) {
                Some(0) => {
                    self.bytes.push(0xff);
                    self.next += 2;
                }
                // A marker, or fill bytes, of which any number may stand before one; a zero behind fill
                // bytes is neither, and libjpeg does not always read the same then.
                _ => {
                    self.at_end = true;
                    return;
                }
            }
        }
    }

    fn finish(&mut self, at: usize, count: u32) -> Result<usize, Refusal> {
        if !self.at_end {
            self.copy();
        }
        let fill = self.file[self.next..].iter().take_while(|&&byte| byte == 0xff).count();
        if self.file.get(self.next + fill) == Some(&0) {
            return Err(Refusal::Unusual("fill bytes within entropy-coded data"));
        }
        let ready = u64::from(count) + 8 * (self.bytes.len() - at) as u64;
        match ready.checked_sub(self.made_up) {
            None => Err(ENDS_BEFORE),
            Some(left) if left >= 8 => Err(self.left_over(at, left)),
            Some(_) => Ok(self.next),
        }
    }

    /// Some writers put a few bytes or padding behind the data of a scan. But where a code was misread,
    /// data is left over, too: within a scan there is no other reason.
    fn left_over(&self, at: usize, bits: u64) -> Refusal {
        let marker = self.file[self.next..].iter().find(|&&byte| byte != 0xff);
        let is_within = matches!(marker, Some(0xd0..=0xd7));
        let is_padding = self.bytes[at..].windows(2).all(|pair| pair[0] == pair[1]);
        if self.at_end && !is_within && (bits <= 64 || is_padding) {
            Refusal::Unusual("bytes are left over at the end of a scan")
        } else {
            Refusal::Damaged("data is left over at the end of a scan")
        }
    }

    fn restart(&mut self, at: usize, count: u32, number: u8) -> Result<(), Refusal> {
        let marker = self.finish(at, count)?;
        let fill = self.file[marker..].iter().take_while(|&&byte| byte == 0xff).count();
        if fill == 0 || self.file.get(marker + fill) != Some(&(0xd0 + number)) {
            return Err(RESTART);
        }
        self.bytes.clear();
        (self.next, self.at_end, self.made_up) = (marker + fill + 1, false, 0);
        Ok(())
    }
}
