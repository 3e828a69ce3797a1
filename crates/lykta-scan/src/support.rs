//! Matches by 64-bit hashes, which only support others, and what chance gives.

use lykta_hash::{Bits64, Hash, Kind, Pdq};
use lykta_index::{Index, Role, expected_random_hits};
use lykta_media::pdq::View;

use crate::matches::{Matches, Nearness};
use crate::matching::Matcher;
use crate::summary::NearMatching;

impl<D: AsRef<[u8]>> Matcher<'_, D> {
    /// Adds to the answers what is near to the 64-bit hashes of the kinds that have a radius.
    pub(crate) fn look_near64(&self, hashes: &[Hash], answers: &mut [Matches]) {
        for (kind, radius) in self.radii64 {
            let Some(radius) = radius else { continue };
            let asked = hashes.iter().enumerate();
            let (places, bits): (Vec<usize>, Vec<Bits64>) =
                asked.filter_map(|(place, hash)| Some((place, of_kind(kind, hash)?))).unzip();
            for (at, index) in self.indexes.iter().enumerate() {
                for (place, nears) in places.iter().zip(index.near64_batch(kind, &bits, radius)) {
                    for near in nears.iter().filter(|near| !near.hash.is_blank()) {
                        let entry = index.entry(near.entry).filter(|entry| entry.role != Role::Ignore);
                        if let Some(entry) = entry {
                            let nearness = Nearness {
                                distance: near.distance,
                                view: View::ORIGINAL,
                                coarse_distance: None,
                                band: None,
                                plain: false,
                                below_band: false,
                            };
                            self.add(at, &entry, kind, Some(nearness), &mut answers[*place]);
                        }
                    }
                }
            }
        }
    }

    /// See `Scanner::expected_random_hits`.
    pub(crate) fn expected_random_hits(&self, kind: Kind) -> Option<f64> {
        let (bits, radius) = match (kind, self.near_matching()) {
            (Kind::Pdq, NearMatching::Performed { radius, .. }) => (Pdq::BITS, radius),
            _ => (Bits64::BITS, self.radii64.into_iter().find(|(which, _)| *which == kind)?.1?),
        };
        let hashes = self.indexes.iter().map(|index: &Index<D>| index.hash_count(kind)).sum();
        Some(expected_random_hits(hashes, bits, radius))
    }
}

/// The hash when it is of `kind` and can be compared.
fn of_kind(kind: Kind, hash: &Hash) -> Option<Bits64> {
    match hash {
        Hash::Phash(bits) | Hash::Dhash(bits) if hash.kind() == kind && !bits.is_blank() => Some(*bits),
        _ => None,
    }
}
