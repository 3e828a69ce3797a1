//! Hashes to matches: exact and near search in all indexes, the quality gates, retractions.

use std::collections::BTreeSet;
use std::sync::Arc;

use lykta_hash::{Digest, Digests, Hash, Kind, KindSet, Pdq};
use lykta_index::{Entry, Index, Near, Role};
use lykta_media::pdq::{Part, View, Viewed, Views};

use crate::bands::{Band, Grounds};
use crate::entry_set::EntrySet;
use crate::matches::{Matches, Nearness};
use crate::options::Options;
use crate::record::Match;
use crate::rules::Rules;
use crate::summary::NearMatching;

/// Looks hashes up in indexes, by the rules of one scan.
pub(crate) struct Matcher<'i, D> {
    pub(crate) indexes: &'i [Index<D>],
    near: NearMatching,
    rules: Rules,
    /// The weakest band that counts.
    band: Band,
    /// The radii of pHash and dHash, where they are compared.
    pub(crate) radii64: [(Kind, Option<u32>); 2],
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
    /// Matches left out because a later index retracts their entries.
    pub retracted: u64,
    /// Whether there is no match but by entries whose quality is below the gate, with which nothing is compared.
    pub is_kept_back: bool,
}

/// What is compared with entries: a hash, and, of a picture, what it is worth.
#[derive(Clone, Copy)]
struct Asked {
    view: View,
    pdq: Pdq,
    /// Quality, 0..=100, and whether it is plain; none for a hash of which nothing else is known.
    worth: Option<(u8, bool)>,
}

impl<'i, D: AsRef<[u8]>> Matcher<'i, D> {
    pub(crate) fn new(indexes: &'i [Index<D>], options: &Options) -> Self {
        let rules = Rules::new(options);
        let with_pdq = indexes.iter().filter(|index| index.kinds().contains(Kind::Pdq));
        let near = match (options.near, with_pdq.map(|index| rules.search_radius(index)).max()) {
            (false, _) => NearMatching::Off,
            (true, None) => NearMatching::NoPdqInLists,
            (true, Some(radius)) => NearMatching::Performed { radius, min_quality: options.min_quality },
        };
        let radii64 = [(Kind::Phash, options.phash_radius), (Kind::Dhash, options.dhash_radius)]
            .map(|(kind, radius)| (kind, radius.filter(|_| options.near)));
        Self { indexes, near, rules, band: options.band, radii64, disputed: Arc::clone(&options.disputed) }
    }

    pub(crate) fn near_matching(&self) -> NearMatching {
        self.near
    }

    /// Whether a list has hashes of the upper or lower parts of its pictures.
    pub(crate) fn has_ends(&self) -> bool {
        let mut views = self.indexes.iter().flat_map(Index::views);
        views.any(|view| view == View::UPPER || view == View::LOWER)
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
            for (at, index) in self.indexes.iter().enumerate() {
                index
                    .exact(&digest)
                    .for_each(|entry| self.add(at, &entry, digest.kind(), None, &mut matches));
            }
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
        let NearMatching::Performed { .. } = self.near else { return Ok(()) };
        let asked: Vec<Asked> = views
            .iter()
            .filter(|viewed| viewed.quality >= self.rules.copy_gate() && !viewed.pdq.is_blank())
            .map(|Viewed { view, pdq, quality, plain }| Asked { view, pdq, worth: Some((quality, plain)) })
            .collect();
        let hashes: Vec<Pdq> = asked.iter().map(|asked| asked.pdq).collect();
        // What an end of the picture is worth does not make the picture one that was compared.
        let is_above_gate =
            |asked: &&Asked| asked.worth.is_some_and(|(quality, _)| quality >= self.rules.gate());
        let is_picture = |asked: &Asked| matches!(asked.view.part, Part::Whole | Part::Unbordered(_));
        let mut too_flat = !asked.iter().filter(is_above_gate).any(is_picture);
        for (at, index) in self.indexes.iter().enumerate() {
            let answers = index.near_batch(&hashes, self.rules.search_radius(index));
            for (asked, nears) in asked.iter().zip(answers) {
                too_flat |= self.add_near(at, &nears, *asked, matches);
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
        let kept_back = self.look_near(hashes, &mut answers);
        self.look_near64(hashes, &mut answers);
        let answer = |(place, mut matches): (usize, Matches)| {
            matches.settle();
            matches.mark_weak();
            let (matches, retracted) = self.finish(matches);
            let is_kept_back = matches.is_empty() && kept_back.contains(&place);
            Answer { matches, retracted, is_kept_back }
        };
        answers.into_iter().enumerate().map(answer).collect()
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
        for (at, index) in self.indexes.iter().enumerate() {
            index.exact_batch(&digests, |asked, entries| {
                let matches = &mut answers[places[asked]];
                entries.for_each(|entry| self.add(at, &entry, digests[asked].kind(), None, matches));
            });
        }
    }

    pub(crate) fn search_radii(&self) -> Vec<u32> {
        self.indexes.iter().map(|index| self.rules.search_radius(index)).collect()
    }

    /// Adds to the answers what is near to the perceptual hashes, and says from which of them the gate kept entries back.
    fn look_near(&self, hashes: &[Hash], answers: &mut [Matches]) -> BTreeSet<usize> {
        let mut kept_back = BTreeSet::new();
        let NearMatching::Performed { .. } = self.near else { return kept_back };
        let (places, pdqs): (Vec<usize>, Vec<Pdq>) = hashes
            .iter()
            .enumerate()
            .filter_map(|(place, hash)| match hash {
                Hash::Pdq(pdq) if !pdq.is_blank() => Some((place, *pdq)),
                _ => None,
            })
            .unzip();
        for (at, index) in self.indexes.iter().enumerate() {
            let nears = index.near_batch(&pdqs, self.rules.search_radius(index));
            for ((place, pdq), nears) in places.iter().zip(&pdqs).zip(nears) {
                let asked = Asked { view: View::ORIGINAL, pdq: *pdq, worth: None };
                if self.add_near(at, &nears, asked, &mut answers[*place]) {
                    kept_back.insert(*place);
                }
            }
        }
        kept_back
    }

    /// The matches in the order of results, and how many were left out.
    pub(crate) fn finish(&self, matches: Matches) -> (Vec<Match>, u64) {
        matches.finish(&self.disputed)
    }

    /// Adds a match with an entry of the index at `at`, unless a later index retracts the entry.
    pub(crate) fn add(
        &self,
        at: usize,
        entry: &Entry<'_>,
        kind: Kind,
        near: Option<Nearness>,
        matches: &mut Matches,
    ) {
        let name = entry.name_or_row();
        if self.is_retracted(at, entry, &name) {
            matches.leave_out(entry, name, kind, near);
        } else {
            matches.add(entry, name, kind, near);
        }
    }

    /// Adds the entries of the index at `at` that may match, and says whether the gate kept one
    /// back.
    fn add_near(&self, at: usize, nears: &[Near], asked: Asked, matches: &mut Matches) -> bool {
        let mut kept_back = false;
        for near in nears {
            let Some(entry) = self.indexes[at].entry(near.entry) else { continue };
            let within = near.distance <= self.rules.radius(entry.source);
            if entry.role == Role::Ignore || near.pdq.is_blank() || !within {
                continue;
            }
            let quality = asked.worth.map(|(quality, _)| quality);
            let too_flat = self.rules.are_too_flat(entry.source, entry.pdq_quality, quality);
            let name = entry.name_or_row();
            match (self.is_retracted(at, &entry, &name), too_flat) {
                (true, true) => {}
                (false, true) => kept_back = true,
                (true, false) => {
                    matches.leave_out(&entry, name, Kind::Pdq, Some(self.nearness(&entry, near, asked)));
                }
                (false, false) => {
                    matches.add(&entry, name, Kind::Pdq, Some(self.nearness(&entry, near, asked)));
                }
            }
        }
        kept_back
    }

    fn nearness(&self, entry: &Entry<'_>, near: &Near, asked: Asked) -> Nearness {
        let band = asked.worth.map(|(quality, plain)| {
            let quality = entry.pdq_quality.map_or(quality, |own| own.min(quality));
            let grounds = Grounds { view: asked.view, entry_view: entry.view, quality, plain };
            grounds.band(near.distance)
        });
        Nearness {
            distance: near.distance,
            view: asked.view,
            coarse_distance: Some(near.pdq.coarse_distance(&asked.pdq)),
            band,
            plain: asked.worth.is_some_and(|(_, plain)| plain),
            below_band: band.is_some_and(|band| band > self.band),
        }
    }

    /// Whether an index after the one at `at`, which has the entry, says that it counts no longer.
    fn is_retracted(&self, at: usize, entry: &Entry<'_>, name: &str) -> bool {
        self.indexes[at + 1..].iter().any(|later| later.retracts(&entry.source.name, name))
    }
}
