//! What the benchmarks share: made-up lists, the questions asked of them, and indexes of both.
//!
//! Everything is reproducible: the same call gives the same hashes.
//!
//! ```
//! use lykta::index::Structure;
//! use lykta_benches::{List, pdq_index, queries};
//!
//! let list = List::Clustered.hashes(1000);
//! let index = pdq_index(&list, Structure::Bk, 31)?;
//! let found = queries(&list, 10).iter().filter(|query| !index.near(query, 31).is_empty()).count();
//! assert!(found >= 5);
//! # Ok::<(), lykta::index::Error>(())
//! ```
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::iter;

use lykta::index::{Error, NewEntry, Source, Structure};
use lykta::{BuildOptions, Builder, Hash, Index, Pdq};

/// Reproducible numbers (SplitMix64, Steele, Lea and Flood, 2014).
pub struct Numbers(pub u64);

impl Numbers {
    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end
    }

    /// `N` bytes.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.number() as u8)
    }

    /// `count` bytes.
    pub fn many_bytes(&mut self, count: usize) -> Vec<u8> {
        let words = std::iter::repeat_with(|| self.number().to_le_bytes());
        words.flatten().take(count).collect()
    }

    /// A hash of no picture in particular.
    pub fn pdq(&mut self) -> Pdq {
        Pdq(self.bytes())
    }

    /// `pdq` after up to `most` bits were turned.
    pub fn near(&mut self, pdq: &Pdq, most: u64) -> Pdq {
        let mut near = *pdq;
        for _ in 0..self.below(most + 1) {
            let bit = self.below(u64::from(Pdq::BITS));
            near.0[bit as usize / 8] ^= 1 << (bit % 8);
        }
        near
    }
}

/// What a list of PDQ hashes is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// Every bit of every hash by chance: the best case of every structure but the scan.
    Random,
    /// Half random, half in families of 100 within 20 bits of a common picture: series, versions of
    /// one picture, frames of a film. They crowd the buckets of multi-index hashing and answer in
    /// numbers.
    Clustered,
    /// A family of 10,000 within 10 bits of one another, then random ones: the worst that a list of
    /// pictures does to a bucket. Any query near a member has thousands of answers.
    OneFamily,
}

/// Hashes of the family of [`List::OneFamily`]; they come first.
pub const FAMILY: usize = 10_000;

impl List {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Random, Self::Clustered, Self::OneFamily];

    /// The name in results.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Random => "random",
            Self::Clustered => "clustered",
            Self::OneFamily => "family",
        }
    }

    /// `count` hashes.
    pub fn hashes(self, count: usize) -> Vec<Pdq> {
        let mut numbers = Numbers(1);
        match self {
            Self::Random => (0..count).map(|_| numbers.pdq()).collect(),
            Self::Clustered => {
                let mut hashes: Vec<Pdq> = (0..count / 2).map(|_| numbers.pdq()).collect();
                while hashes.len() < count {
                    let picture = numbers.pdq();
                    let family = 100.min(count - hashes.len());
                    hashes.extend((0..family).map(|_| numbers.near(&picture, 20)));
                }
                hashes
            }
            Self::OneFamily => {
                let picture = numbers.pdq();
                let mut family = BTreeSet::new();
                while family.len() < FAMILY.min(count) {
                    family.insert(numbers.near(&picture, 5));
                }
                let others = count - family.len();
                family.into_iter().chain((0..others).map(|_| numbers.pdq())).collect()
            }
        }
    }

    /// `count` hashes to look for in `hashes`, which are this list's.
    ///
    /// By turns a random one and one within 24 bits of an entry; for [`Self::OneFamily`] all within 31
    /// bits of a member.
    pub fn queries(self, hashes: &[Pdq], count: usize) -> Vec<Pdq> {
        if self != Self::OneFamily {
            return queries(hashes, count);
        }
        let mut numbers = Numbers(2);
        let family = &hashes[..FAMILY.min(hashes.len())];
        (0..count)
            .map(|_| {
                let member = numbers.below(family.len() as u64) as usize;
                numbers.near(&family[member], 31)
            })
            .collect()
    }
}

/// `count` hashes to look for in `list`: by turns a random one and one within 24 bits of an entry.
pub fn queries(list: &[Pdq], count: usize) -> Vec<Pdq> {
    let mut numbers = Numbers(2);
    (0..count)
        .map(|at| match at % 2 {
            0 => numbers.pdq(),
            _ => {
                let entry = numbers.below(list.len() as u64) as usize;
                numbers.near(&list[entry], 24)
            }
        })
        .collect()
}

/// An index in memory of PDQ hashes alone, laid out for `radius`.
///
/// # Errors
/// When there are more hashes than an index holds.
pub fn pdq_index(hashes: &[Pdq], structure: Structure, radius: u32) -> Result<Index<Vec<u8>>, Error> {
    let options = BuildOptions { structure: Some(structure), near_radius: radius, ..BuildOptions::default() };
    Index::new(builder(options, hashes.iter().map(|pdq| [Hash::Pdq(*pdq)]))?.into_bytes()?)
}

/// A list of one entry for each item of `entries`, not yet written.
///
/// # Errors
/// When there are more entries than an index holds.
pub fn builder<const N: usize>(
    options: BuildOptions,
    entries: impl IntoIterator<Item = [Hash; N]>,
) -> Result<Builder, Error> {
    let mut builder = Builder::new(options);
    let list = builder.add_source(Source { name: "made up".into(), ..Source::default() });
    for (row, hashes) in (1..).zip(entries) {
        builder.add(list, &NewEntry { row, hashes: &hashes, ..NewEntry::default() })?;
    }
    Ok(builder)
}

/// Writes `hashes` as a list, a line each after the line `pdq`.
///
/// # Errors
/// When the file cannot be written.
pub fn write_list(path: &str, hashes: &[Pdq]) -> io::Result<()> {
    write_lines(path, iter::once("pdq".into()).chain(hashes.iter().map(|hash| hash.to_string())))
}

/// Writes `hashes` as `lykta query` reads them.
///
/// # Errors
/// When the file cannot be written.
pub fn write_queries(path: &str, hashes: &[Pdq]) -> io::Result<()> {
    write_lines(path, hashes.iter().map(|hash| format!("pdq:{hash}")))
}

fn write_lines(path: &str, lines: impl Iterator<Item = String>) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    for line in lines {
        writeln!(file, "{line}")?;
    }
    file.flush()
}
