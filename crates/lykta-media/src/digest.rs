//! Several digests of the same bytes in one pass.

use lykta_hash::{Digest, Digests, Kind, KindSet};
use md5::Digest as _;

/// Computes the digests of a stream of bytes, all kinds in one pass over each piece.
///
/// Cost per kind is that of its algorithm (BLAKE3 is the cheapest, MD5 the dearest); memory is a
/// few KiB whatever the length. Pieces of 64 KiB or so keep the data in cache between kinds.
#[derive(Clone)]
pub struct Digester {
    md5: Option<md5::Md5>,
    sha1: Option<sha1::Sha1>,
    sha256: Option<sha2::Sha256>,
    blake3: Option<Box<blake3::Hasher>>,
}

impl Digester {
    /// Starts the digests of `kinds`. Perceptual kinds are ignored: they are not digests of bytes.
    pub fn new(kinds: KindSet) -> Self {
        Self {
            md5: kinds.contains(Kind::Md5).then(md5::Md5::new),
            sha1: kinds.contains(Kind::Sha1).then(sha1::Sha1::new),
            sha256: kinds.contains(Kind::Sha256).then(sha2::Sha256::new),
            blake3: kinds.contains(Kind::Blake3).then(Box::default),
        }
    }

    /// Takes the next `bytes`. How the stream is cut into pieces does not change the result.
    pub fn update(&mut self, bytes: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        if let Some(sha1) = &mut self.sha1 {
            sha1.update(bytes);
        }
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(bytes);
        }
        if let Some(blake3) = &mut self.blake3 {
            blake3.update(bytes);
        }
    }

    /// The digests of all bytes taken, one for each kind asked for.
    pub fn finish(self) -> Digests {
        [
            self.md5.map(|md5| Digest::Md5(md5.finalize().into())),
            self.sha1.map(|sha1| Digest::Sha1(sha1.finalize().into())),
            self.sha256.map(|sha256| Digest::Sha256(sha256.finalize().into())),
            self.blake3.map(|blake3| Digest::Blake3(blake3.finalize().into())),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn digests(kinds: KindSet, pieces: &[&[u8]]) -> Digests {
        let mut digester = Digester::new(kinds);
        pieces.iter().for_each(|piece| digester.update(piece));
        digester.finish()
    }

    #[test]
    fn the_empty_stream_has_the_digests_of_an_empty_file() {
        let found = digests(Kind::ALL.into_iter().collect(), &[]);
        assert_eq!(found.kinds(), Kind::DIGESTS.into_iter().collect());
        assert!(found.iter().all(|digest| digest.is_of_empty_file()));
    }

    #[test]
    fn abc_has_the_published_digests() {
        let found = digests(Kind::DIGESTS.into_iter().collect(), &[b"abc"]);
        // RFC 1321, FIPS 180-4, BLAKE3's b3sum.
        let published = [
            "900150983cd24fb0d6963f7d28e17f72",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
        ];
        assert_eq!(found.iter().map(|digest| digest.to_string()).collect::<Vec<_>>(), published);
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_and_only_asked_kinds_come(
            bytes in prop::collection::vec(any::<u8>(), 0..3000), at in any::<prop::sample::Index>(), which in 0u8..128,
        ) {
            let kinds: KindSet = Kind::ALL.into_iter().filter(|&kind| which >> kind as u8 & 1 == 1).collect();
            let (left, right) = bytes.split_at(at.index(bytes.len() + 1));
            let found = digests(kinds, &[left, right]);
            prop_assert_eq!(found, digests(kinds, &[&bytes]));
            prop_assert_eq!(found.kinds(), kinds.intersection(KindSet::DIGESTS));
        }
    }
}
