//! Made-up lists for the tests of this crate.

use lykta_hash::{Bits64, Digest, Hash, Pdq};
use lykta_index::{BuildOptions, Builder, Label, NewEntry, Role, Source, Structure};

/// A small generator of reproducible numbers (SplitMix64, Steele, Lea and Flood, 2014).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next() as u8)
    }

    pub(crate) fn pdq(&mut self) -> Pdq {
        Pdq(self.bytes())
    }

    /// `pdq` with up to `most` bits turned.
    pub(crate) fn near(&mut self, pdq: &Pdq, most: u64) -> Pdq {
        let mut near = *pdq;
        for _ in 0..self.below(most + 1) {
            let bit = self.below(256);
            near.0[bit as usize / 8] ^= 1 << (bit % 8);
        }
        near
    }
}

/// Three quarters random hashes; the others in families of `family` around one picture each, as
/// lists of series have them, with repetitions.
pub(crate) fn hashes(count: usize, family: usize, numbers: &mut Numbers) -> Vec<Pdq> {
    let mut hashes: Vec<Pdq> = (0..count * 3 / 4).map(|_| numbers.pdq()).collect();
    while hashes.len() < count {
        let centre = numbers.pdq();
        for _ in 0..family.min(count - hashes.len()) {
            let member = numbers.near(&centre, 40);
            hashes.push(member);
        }
    }
    hashes
}

/// An index file of PDQ hashes alone, entry `i` being hash `i`.
pub(crate) fn pdq_index(hashes: &[Pdq], structure: Structure) -> Vec<u8> {
    let mut builder = Builder::new(BuildOptions { structure: Some(structure), ..BuildOptions::default() });
    let list = builder.add_source(Source { name: "made up".into(), ..Source::default() });
    for (row, pdq) in (1..).zip(hashes) {
        let entry = NewEntry { row, hashes: &[Hash::Pdq(*pdq)], ..NewEntry::default() };
        builder.add(list, &entry).expect("room for a test's entries");
    }
    builder.into_bytes().expect("a test's index is small")
}

/// A small index file with something in every section that the structure has.
pub(crate) fn full_index(structure: Structure) -> Vec<u8> {
    // More rows than a leaf of the BK-tree takes.
    full_index_of(structure, 700)
}

/// The same with another number of rows.
pub(crate) fn full_index_of(structure: Structure, rows: u64) -> Vec<u8> {
    let mut numbers = Numbers(7);
    let mut builder = Builder::new(BuildOptions { structure: Some(structure), ..BuildOptions::default() });
    let found = builder.add_source(Source { name: "found.csv".into(), rows, ..Source::default() });
    let known = builder.add_source(Source {
        name: "known".into(),
        role: Role::Ignore,
        near_radius: Some(12),
        min_quality: Some(70),
        ..Source::default()
    });
    builder.retract("older", "row 7").expect("room");
    builder.retract("older", "picture 3").expect("room");
    for row in 1..=rows {
        let name = format!("picture {row}");
        let digests = [
            Digest::Md5(numbers.bytes()),
            Digest::Sha1(numbers.bytes()),
            Digest::Sha256(numbers.bytes()),
            Digest::Blake3(numbers.bytes()),
        ];
        let mut hashes: Vec<Hash> = vec![numbers.pdq().into()];
        let bits = [Hash::Phash(Bits64(numbers.bytes())), Hash::Dhash(Bits64(numbers.bytes()))];
        hashes.extend(digests.iter().filter(|_| row % 5 == 0).map(|digest| Hash::from(*digest)));
        hashes.extend(bits.iter().filter(|_| row % 4 == 0));
        let code = (row % 3).to_string();
        let label = Label {
            scheme: "scheme",
            version: "1",
            code: &code,
            series: "series",
            victim_identified: "yes",
            site: "A",
        };
        let photodna: [u8; 144] = numbers.bytes();
        let entry = NewEntry {
            row,
            name: Some(&name),
            hashes: &hashes,
            label: (row % 2 == 0).then_some(label),
            view: (row % 5 == 0).then_some("centre"),
            pdq_quality: (row % 7 != 0).then_some(80),
            photodna: (row % 6 == 0).then_some(&photodna),
            role: None,
        };
        builder.add(found, &entry).expect("room");
        if row % 10 == 0 {
            builder
                .add(known, &NewEntry { row, hashes: &hashes[1..3], ..NewEntry::default() })
                .expect("room");
        }
    }
    builder.into_bytes().expect("small")
}
