//! Huffman tables: T.81, annexes C and F.2.2.3, as direct look-ups.
//!
//! A look-up takes the next [`PEEKED`] bits. Where they hold a whole code and the value that follows
//! it, one load tells the run of zeros, the value and how many bits to move on. Everything else,
//! some percent of all codes, goes the long way by canonical codes.

use super::Refusal;
use super::bits::{self, BitReader};

/// Bits that a look-up sees. 10 and 12 were slower: misses of the one, cache lines of the other.
const PEEKED: u32 = 11;

/// The step of an end-of-band code: beyond every coefficient.
pub(super) const END: usize = 128;

/// Canonical codes of 1 to 16 bits and their symbols: what a DHT segment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Codes {
    /// One past the last code of each length, aligned to 16 bits.
    ends: [u32; 17],
    /// What to add to a code of each length to have the place of its symbol.
    places: [i32; 17],
    symbols: Vec<u8>,
}

impl Codes {
    /// Annex C. Codes that do not fit into their lengths are refused, and so is the one of all ones,
    /// as in every decoder.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Result<Self, Refusal> {
        let (mut ends, mut places) = ([0; 17], [0; 17]);
        let (mut code, mut place) = (0u32, 0);
        for length in 1..=16 {
            code <<= 1;
            places[length] = place - code as i32;
            code += u32::from(counts[length - 1]);
            place += i32::from(counts[length - 1]);
            if code >= 1 << length && counts[length - 1..].iter().any(|&count| count > 0) {
                return Err(Refusal::Unusual("a Huffman table has more codes than fit"));
            }
            ends[length] = code << (16 - length);
        }
        Ok(Self { ends, places, symbols: symbols.to_vec() })
    }

    /// The symbol whose code the 16 bits begin with, and the length of the code, which is `shortest` or
    /// longer.
    #[inline]
    fn find(&self, bits: u32, shortest: usize) -> Option<(u8, u32)> {
        let length = (shortest..=16).find(|&length| bits < self.ends[length])?;
        let place = (bits >> (16 - length)) as i32 + self.places[length];
        Some((*self.symbols.get(place as usize)?, length as u32))
    }

    /// For each value of `peeked` bits, the symbol and the length of the code that they hold completely.
    fn within(&self, peeked: u32) -> impl Iterator<Item = Option<(u8, u32)>> + '_ {
        (0..1 << peeked)
            .map(move |bits: u32| self.find(bits << (16 - peeked), 1).filter(|&(_, length)| length <= peeked))
    }

    /// The long way: the symbol whose code the bits begin with, and the length of the code.
    #[inline(never)]
    fn read(&self, bits: u64) -> Result<(u8, u32), Refusal> {
        self.find(bits::top(bits, 16), 1).ok_or(NO_CODE)
    }
}

const NO_CODE: Refusal = Refusal::Damaged("its entropy-coded data holds a code that is not in its table");
const LARGE: Refusal = Refusal::Unusual("a coefficient of more bits than 8-bit pictures have");

/// The value of `size` bits that `bits`, of `peeked`, hold behind a code of `length`.
fn value_behind(bits: usize, peeked: u32, length: u32, size: u32) -> Option<i32> {
    let rest = peeked.checked_sub(length + size)?;
    let value = (bits >> rest) as u64;
    Some(bits::signed(value << (64 - length - size) << length, size))
}

fn filled<T: Copy + Default, const N: usize>(entries: impl Iterator<Item = T>) -> Box<[T; N]> {
    let mut table = Box::new([T::default(); N]);
    table.iter_mut().zip(entries).for_each(|(place, entry)| *place = entry);
    table
}

/// Bits that a look-up for a DC coefficient sees: their codes are short.
const DC_PEEKED: u32 = 9;

/// Differences of DC coefficients.
pub(super) struct DcTable {
    /// 16 bits of value, 16 of bits used, from the top; 0 where the long way is to be gone.
    entries: Box<[u32; 1 << DC_PEEKED]>,
    codes: Codes,
}

impl DcTable {
    pub(super) fn new(codes: &Codes) -> Self {
        let entries = codes.within(DC_PEEKED).enumerate().map(|(bits, found)| {
            let (size, length) = found.filter(|&(size, _)| size <= 11)?;
            let value = value_behind(bits, DC_PEEKED, length, size.into())?;
            Some((value as u32) << 16 | (length + u32::from(size)))
        });
        Self { entries: filled(entries.map(Option::unwrap_or_default)), codes: codes.clone() }
    }

    /// The next difference. Takes at most 27 bits.
    #[inline(always)]
    pub(super) fn difference(&self, reader: &mut BitReader<'_>) -> Result<i32, Refusal> {
        let entry = self.entries[reader.peek(DC_PEEKED)];
        if entry != 0 {
            reader.skip(entry & 0xff);
            return Ok(entry as i32 >> 16);
        }
        let (difference, used) = self.read(reader.bits())?;
        reader.skip(used);
        Ok(difference)
    }

    #[inline(never)]
    fn read(&self, bits: u64) -> Result<(i32, u32), Refusal> {
        let (size, length) = self.codes.read(bits)?;
        if size > 11 {
            return Err(LARGE);
        }
        Ok((bits::signed(bits << length, size.into()), length + u32::from(size)))
    }
}

/// One symbol of AC coefficients with its value.
#[derive(Clone, Copy)]
pub(super) struct Next {
    /// Coefficients to move on by: those of the run of zeros, and this one. [`END`] at an end of band.
    pub(super) step: usize,
    /// The coefficient, 0 for sixteen zeros. At an end of band, the bits of its run's length.
    pub(super) value: i32,
}

/// What a look-up among AC coefficients tells: one symbol or two. From the top: 16 bits of the second
/// value, 16 of the first, 8 of the second step, 8 of the first, 8 of bits that the first uses, 8 of
/// those that both use. Without a second its step is 0 and its value that of the first: to put it
/// in place again does no harm.
///
/// Where the value does not fit into the bits, nothing is used, and the code's length and symbol stand
/// in place of the first's bits and step; 0 where even the code does not fit.
#[derive(Clone, Copy, Default)]
pub(super) struct Found(u64);

impl Found {
    fn new(first: (Next, u32), second: Option<(Next, u32)>) -> Self {
        let (second, used) = second.unwrap_or((Next { step: 0, ..first.0 }, 0));
        let value = |next: Next| u64::from(next.value as u16);
        Self(
            value(second) << 48
                | value(first.0) << 32
                | (second.step as u64) << 24
                | (first.0.step as u64) << 16
                | u64::from(first.1) << 8
                | u64::from(first.1 + used),
        )
    }

    fn of_code(symbol: u8, length: u32) -> Self {
        Self(u64::from(symbol) << 16 | u64::from(length) << 8)
    }

    /// The symbol and its length, if only these are known.
    fn code(self) -> Option<(u8, u32)> {
        (self.0 != 0).then_some(((self.0 >> 16) as u8, (self.0 >> 8 & 0xff) as u32))
    }

    /// Whether the long way is to be gone.
    #[inline(always)]
    pub(super) fn is_nothing(self) -> bool {
        self.used() == 0
    }

    #[inline(always)]
    pub(super) fn first(self) -> Next {
        Next { step: (self.0 >> 16 & 0xff) as usize, value: (self.0 >> 32) as i16 as i32 }
    }

    #[inline(always)]
    pub(super) fn second(self) -> Next {
        Next { step: (self.0 >> 24 & 0xff) as usize, value: (self.0 >> 48) as i16 as i32 }
    }

    /// Bits used by the first alone.
    #[inline(always)]
    pub(super) fn used_by_first(self) -> u32 {
        (self.0 >> 8 & 0xff) as u32
    }

    /// Bits used by all there is.
    #[inline(always)]
    pub(super) fn used(self) -> u32 {
        (self.0 & 0xff) as u32
    }
}

/// AC coefficients, their values wanted.
pub(super) struct AcTable {
    entries: Box<[Found; 1 << PEEKED]>,
    codes: Codes,
}

impl AcTable {
    pub(super) fn new(codes: &Codes) -> Self {
        let known: Vec<Option<(u8, u32)>> = codes.within(PEEKED).collect();
        let single: Vec<Option<(Next, u32)>> = known
            .iter()
            .enumerate()
            .map(|(bits, found)| {
                let (symbol, length) = (*found)?;
                let next = Self::meaning(symbol);
                let size = if next.step == END { 0 } else { u32::from(symbol & 15) };
                if size == 0 {
                    return Some((next, length));
                }
                let value = value_behind(bits, PEEKED, length, size).filter(|_| size <= 10)?;
                Some((Next { value, ..next }, length + size))
            })
            .collect();
        let entries = (0..single.len()).map(|bits| {
            let Some(first) = single[bits] else {
                return known[bits]
                    .map_or_else(Found::default, |(symbol, length)| Found::of_code(symbol, length));
            };
            let behind = single[bits << first.1 & (single.len() - 1)];
            // An end of band of several blocks goes with values of its own.
            let fits = |second: &(Next, u32)| {
                first.0.step != END
                    && first.1 + second.1 <= PEEKED
                    && (second.0.step != END || second.0.value == 0)
            };
            Found::new(first, behind.filter(fits))
        });
        Self { entries: filled(entries), codes: codes.clone() }
    }

    /// Run and size, G.1.2.2: a size of 0 is a run of sixteen or an end of band.
    fn meaning(symbol: u8) -> Next {
        match (symbol >> 4, symbol & 15) {
            (15, 0) => Next { step: 16, value: 0 },
            (bits, 0) => Next { step: END, value: bits.into() },
            (run, size) => Next { step: usize::from(run) + 1, value: size.into() },
        }
    }

    /// What the next bits hold, at most [`PEEKED`] of them.
    #[inline(always)]
    pub(super) fn look_up(&self, reader: &BitReader<'_>) -> Found {
        self.entries[reader.peek(PEEKED)]
    }

    /// The long way, where a look-up has `found` nothing to use. Takes at most 26 bits.
    #[inline(always)]
    pub(super) fn read(&self, reader: &mut BitReader<'_>, found: Found) -> Result<Next, Refusal> {
        let (next, used) = self.read_bits(reader.bits(), found)?;
        reader.skip(used);
        Ok(next)
    }

    #[inline(never)]
    fn read_bits(&self, bits: u64, found: Found) -> Result<(Next, u32), Refusal> {
        let longer = || self.codes.find(bits::top(bits, 16), PEEKED as usize + 1);
        let (symbol, length) = found.code().or_else(longer).ok_or(NO_CODE)?;
        let mut next = Self::meaning(symbol);
        if next.step == END {
            return Ok((next, length));
        }
        let size = u32::from(symbol & 15);
        if size > 10 {
            return Err(LARGE);
        }
        next.value = bits::signed(bits << length, size);
        Ok((next, length + size))
    }
}

/// AC coefficients that only need to be passed over: as many whole codes with their values at a time
/// as the bits hold.
pub(super) struct SkipTable {
    /// From the top: 1 bit, whether the block ends here; 7 bits of coefficients passed; 8 bits used.
    entries: Box<[u16; 1 << PEEKED]>,
    codes: Codes,
}

impl SkipTable {
    pub(super) fn new(codes: &Codes) -> Self {
        let single: Vec<_> = codes.within(PEEKED).collect();
        let mut entries = Box::new([0; 1 << PEEKED]);
        for (bits, entry) in entries.iter_mut().enumerate() {
            *entry = Self::entry(bits, &single);
        }
        Self { entries, codes: codes.clone() }
    }

    fn entry(bits: usize, single: &[Option<(u8, u32)>]) -> u16 {
        let (mut used, mut passed) = (0, 0);
        while passed < 48
            && let Some((symbol, length)) = single[bits << used & ((1 << PEEKED) - 1)]
        {
            let next = AcTable::meaning(symbol);
            let size = u32::from(symbol & 15);
            if used + length + size > PEEKED || size > 10 || (next.step == END && next.value != 0) {
                break;
            }
            used += length + size;
            if next.step == END {
                return 0x8000 | passed << 8 | used as u16;
            }
            passed += next.step as u16;
        }
        passed << 8 | used as u16
    }

    /// Passes over the AC coefficients of a block.
    #[inline(always)]
    pub(super) fn skip_block(&self, reader: &mut BitReader<'_>) -> Result<(), Refusal> {
        let mut k = 1;
        while k < 64 {
            reader.refill();
            for _ in 0..REFILLED_LOOKUPS {
                let entry = self.entries[reader.peek(PEEKED)];
                let passed = k + usize::from(entry >> 8 & 0x7f);
                // Codes behind the last coefficient are those of the next block.
                if entry == 0 || passed > 64 || (passed == 64 && entry >= 0x8000) {
                    reader.refill();
                    let (next, used) = self.skip_one(reader.bits(), k)?;
                    reader.skip(used);
                    k = next;
                    break;
                }
                reader.skip(u32::from(entry & 0xff));
                k = passed;
                if entry >= 0x8000 {
                    return Ok(());
                }
                if k >= 64 {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Passes over the code that the bits begin with, from coefficient `k` on; gives the next coefficient
    /// and the bits used, 26 at most.
    #[inline(never)]
    fn skip_one(&self, bits: u64, k: usize) -> Result<(usize, u32), Refusal> {
        let (symbol, length) = self.codes.read(bits)?;
        let next = AcTable::meaning(symbol);
        if next.step == END {
            return if next.value == 0 { Ok((64, length)) } else { Err(SEVERAL) };
        }
        let size = u32::from(symbol & 15);
        if size > 10 {
            return Err(LARGE);
        }
        let k = k + next.step;
        if k > 64 { Err(TOO_MANY) } else { Ok((k, length + size)) }
    }
}

/// An end of band of several blocks, which only progressive scans have.
pub(super) const SEVERAL: Refusal = Refusal::Unusual("a code of progressive scans in a sequential one");

/// Look-ups that one refill is enough for.
pub(super) const REFILLED_LOOKUPS: u32 = super::bits::REFILLED / PEEKED;

/// A run that leads beyond the last coefficient.
pub(super) const TOO_MANY: Refusal = Refusal::Damaged("a block has more than 64 coefficients");
