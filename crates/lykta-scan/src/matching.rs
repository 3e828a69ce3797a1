//! Hashes to matches: exact and near search in all indexes, the quality gates.

use std::sync::Arc;

use lykta_hash::{Digest, Digests, Hash, Kind, KindSet, Pdq};
use lykta_index::{Index, Near, Role};
use lykta_media::pdq::{View, Views};

use crate::entry_set::EntrySet;
use crate::matches::Matches;
use crate::options::{DEFAULT_RADIUS, Options};
use crate::record::Match;
use crate::summary::NearMatching;

/// Looks hashes up in indexes, by the rules of one scan.
pub(crate) struct Matcher<'i, D> {
    indexes: &'i [Index<D>],
    near: NearMatching,
    disputed: Arc<EntrySet>,
}

/// Why the likeness of a picture decided nothing although it could have been decoded: the picture,
/// or the only entries near to it, are below the gate on quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooFlat;

/// What is known of a hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The matches, in the order of results.
    pub matches: Vec<Match>,
}

impl<'i, D: AsRef<[u8]>> Matcher<'i, D> {
    pub(crate) fn new(indexes: &'i [Index<D>], options: &Options) -> Self {
        let any_pdq = indexes.iter().any(|index| index.kinds().contains(Kind::Pdq));
        let near = match (options.near, any_pdq) {
            (false, _) => NearMatching::Off,
            (true, false) => NearMatching::NoPdqInLists,
            (true, true) => NearMatching::Performed {
                radius: options.radius.unwrap_or(DEFAULT_RADIUS).min(Pdq::BITS),
                min_quality: options.min_quality,
            },
        };
        Self { indexes, near, disputed: Arc::clone(&options.disputed) }
    }

    pub(crate) fn near_matching(&self) -> NearMatching {
        self.near
    }

    /// The kinds of digest that can match anything.
    pub(crate) fn digest_kinds(&self) -> KindSet {
        let kinds = self.indexes.iter().map(Index::kinds).fold(KindSet::EMPTY, KindSet::union);
        kinds.intersection(KindSet::DIGESTS)
    }

    /// Every entry with one of `digests`, whatever its role, a match for each kind.
    pub(crate) fn exact(&self, digests: &Digests) -> Matches {
        let mut matches = Matches::default();
        for digest in digests.iter() {
            self.add_exact(&digest, &mut matches);
        }
        matches.settle();
        matches.mark_weak();
        matches
    }

    /// Adds every entry within the radius of one of the `views` of a picture, with its nearest
    /// view. Entries of role ignore act on digests only, so they are left out.
    ///
    /// # Errors
    /// [`TooFlat`] when the picture must not be compared. Does nothing when near matching is not
    /// performed.
    pub(crate) fn near(&self, views: &Views, matches: &mut Matches) -> Result<(), TooFlat> {
        let NearMatching::Performed { radius, min_quality } = self.near else { return Ok(()) };
        // Quality 0 never matches, even with a gate of 0 (spec of PDQ matching).
        let gate = min_quality.max(1);
        if views.quality < gate || views.hashes[0].is_blank() {
            return Err(TooFlat);
        }
        let (asked, hashes): (Vec<View>, Vec<Pdq>) =
            View::ALL.into_iter().zip(views.hashes).filter(|(_, hash)| !hash.is_blank()).unzip();
        let mut too_flat = false;
        for index in self.indexes {
            for (view, nears) in asked.iter().zip(index.near_batch(&hashes, radius)) {
                too_flat |= add_near(index, &nears, *view, gate, matches);
            }
        }
        matches.settle();
        // What the gate kept back must not read as if nothing had been there.
        let matched = matches.any(Role::Match, true) || matches.any(Role::Note, true);
        if too_flat && !matched { Err(TooFlat) } else { Ok(()) }
    }

    /// The answer to each hash, of which nothing is known but itself.
    pub(crate) fn look_up(&self, hashes: &[Hash]) -> Vec<Answer> {
        let mut answers: Vec<Matches> = hashes.iter().map(|_| Matches::default()).collect();
        self.look_exact(hashes, &mut answers);
        self.look_near(hashes, &mut answers);
        let answer = |mut matches: Matches| {
            matches.settle();
            matches.mark_weak();
            Answer { matches: self.finish(matches) }
        };
        answers.into_iter().map(answer).collect()
    }

    /// Adds to the answers what has the digests.
    fn look_exact(&self, hashes: &[Hash], answers: &mut [Matches]) {
        let (places, digests): (Vec<usize>, Vec<Digest>) = hashes
            .iter()
            .enumerate()
            .filter_map(|(place, hash)| match hash {
                Hash::Digest(digest) => Some((place, *digest)),
                _ => None,
            })
            .unzip();
        for index in self.indexes {
            index.exact_batch(&digests, |at, entries| {
                entries.for_each(|entry| answers[places[at]].add(&entry, digests[at].kind(), None));
            });
        }
    }

    /// Adds to the answers what is near to the perceptual hashes.
    fn look_near(&self, hashes: &[Hash], answers: &mut [Matches]) {
        let NearMatching::Performed { radius, min_quality } = self.near else { return };
        let (places, pdqs): (Vec<usize>, Vec<Pdq>) = hashes
            .iter()
            .enumerate()
            .filter_map(|(place, hash)| match hash {
                Hash::Pdq(pdq) if !pdq.is_blank() => Some((place, *pdq)),
                _ => None,
            })
            .unzip();
        for index in self.indexes {
            for (place, nears) in places.iter().zip(index.near_batch(&pdqs, radius)) {
                add_near(index, &nears, View::Original, min_quality.max(1), &mut answers[*place]);
            }
        }
    }

    /// The matches in the order of results.
    pub(crate) fn finish(&self, matches: Matches) -> Vec<Match> {
        matches.finish(&self.disputed)
    }

    fn add_exact(&self, digest: &Digest, matches: &mut Matches) {
        for entry in self.indexes.iter().flat_map(|index| index.exact(digest)) {
            matches.add(&entry, digest.kind(), None);
        }
    }
}

/// Adds the entries that may match, and says whether the gate kept one back.
fn add_near<D: AsRef<[u8]>>(
    index: &Index<D>,
    nears: &[Near],
    view: View,
    gate: u8,
    matches: &mut Matches,
) -> bool {
    let mut kept_back = false;
    for near in nears {
        let Some(entry) = index.entry(near.entry) else { continue };
        let too_flat = entry.pdq_quality.is_some_and(|quality| quality < gate);
        if entry.role == Role::Ignore || near.pdq.is_blank() {
            continue;
        }
        kept_back |= too_flat;
        if !too_flat {
            matches.add(&entry, Kind::Pdq, Some((near.distance, view)));
        }
    }
    kept_back
}
