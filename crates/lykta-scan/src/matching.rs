//! Hashes to matches: exact and near search, the quality gates, what counts as weak.

use std::collections::btree_map::Entry as Slot;
use std::collections::{BTreeMap, BTreeSet};

use lykta_hash::{Digests, Hash, Kind, KindSet, Pdq};
use lykta_index::{Entry, Index, Near, Role};
use lykta_media::pdq::{View, Views};

use crate::options::Options;
use crate::record::{Label, Match};
use crate::summary::NearMatching;

/// Looks hashes up in an index, by the rules of one scan.
pub(crate) struct Matcher<'i, D> {
    index: &'i Index<D>,
    near: NearMatching,
}

/// Why the likeness of a picture decided nothing although it could have been decoded: the picture,
/// or the only entries near to it, are below the gate on quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooFlat;

impl<'i, D: AsRef<[u8]>> Matcher<'i, D> {
    pub(crate) fn new(index: &'i Index<D>, options: &Options) -> Self {
        let near = match (options.near, index.kinds().contains(Kind::Pdq)) {
            (false, _) => NearMatching::Off,
            (true, false) => NearMatching::NoPdqInLists,
            (true, true) => NearMatching::Performed {
                radius: options.radius.min(Pdq::BITS),
                min_quality: options.min_quality,
            },
        };
        Self { index, near }
    }

    pub(crate) fn near_matching(&self) -> NearMatching {
        self.near
    }

    /// The kinds of digest that can match anything.
    pub(crate) fn digest_kinds(&self) -> KindSet {
        self.index.kinds().intersection(KindSet::DIGESTS)
    }

    /// Every entry with one of `digests`, whatever its role, a match for each kind.
    pub(crate) fn exact(&self, digests: &Digests) -> Matches {
        let mut matches = Matches::default();
        for digest in digests.iter() {
            for entry in self.index.exact(&digest) {
                matches.add(&entry, digest.kind(), 0, None);
            }
        }
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
        let answers = self.index.near_batch(&hashes, radius);
        let mut too_flat = false;
        for (view, nears) in asked.into_iter().zip(answers) {
            too_flat |= self.add_near(&nears, view, gate, matches);
        }
        // What the gate kept back must not read as if nothing had been there.
        let matched = matches.any(Role::Match, true) || matches.any(Role::Note, true);
        if too_flat && !matched { Err(TooFlat) } else { Ok(()) }
    }

    /// The matches of each hash, of which nothing is known but itself.
    pub(crate) fn look_up(&self, hashes: &[Hash]) -> Vec<Vec<Match>> {
        let near = |hash: &Hash| match hash {
            Hash::Pdq(pdq) if !pdq.is_blank() => Some(*pdq),
            _ => None,
        };
        let pdqs: Vec<Pdq> = hashes.iter().filter_map(near).collect();
        let mut answers = match self.near {
            NearMatching::Performed { radius, .. } => self.index.near_batch(&pdqs, radius),
            NearMatching::Off | NearMatching::NoPdqInLists => Vec::new(),
        }
        .into_iter();
        let gate = match self.near {
            NearMatching::Performed { min_quality, .. } => min_quality.max(1),
            NearMatching::Off | NearMatching::NoPdqInLists => 1,
        };
        let matches_of = |hash: &Hash| match (hash, near(hash)) {
            (Hash::Digest(digest), _) => self.exact(&[*digest].into_iter().collect()).into_vec(),
            (Hash::Pdq(_), None) | (Hash::Phash(_) | Hash::Dhash(_), _) => Vec::new(),
            (Hash::Pdq(_), Some(_)) => {
                let mut matches = Matches::default();
                let nears = answers.next().unwrap_or_default();
                self.add_near(&nears, View::Original, gate, &mut matches);
                matches.into_vec()
            }
        };
        hashes.iter().map(matches_of).collect()
    }

    /// Adds the entries that may match, and says whether the gate kept one back.
    fn add_near(&self, nears: &[Near], view: View, gate: u8, matches: &mut Matches) -> bool {
        let mut kept_back = false;
        for near in nears {
            let Some(entry) = self.index.entry(near.entry) else { continue };
            let too_flat = entry.pdq_quality.is_some_and(|quality| quality < gate);
            if entry.role == Role::Ignore || near.pdq.is_blank() {
                continue;
            }
            kept_back |= too_flat;
            if !too_flat {
                matches.add(&entry, Kind::Pdq, near.distance, Some(view));
            }
        }
        kept_back
    }
}

/// The matches of one item, one for each kind, list, entry name, label and role.
///
/// Several rows of a list may carry one name: views of one picture, or the same picture once more.
/// What a reader of the result could not tell apart is one match, the nearest.
#[derive(Default)]
pub(crate) struct Matches(BTreeMap<Key, (u32, Option<View>, bool)>);

// The order of exact matches in results: list, entry, kind, and then what makes the order total.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    list: String,
    entry: String,
    kind: Kind,
    label: Option<Label>,
    role: Role,
}

impl Matches {
    fn add(&mut self, entry: &Entry<'_>, kind: Kind, distance: u32, view: Option<View>) {
        let label = entry.label.map(|label| Label {
            scheme: label.scheme.to_owned(),
            version: label.version.to_owned(),
            code: label.code.to_owned(),
        });
        let name = entry.name_or_row().into_owned();
        let key = Key { list: entry.source.name.clone(), entry: name, kind, label, role: entry.role };
        match self.0.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert((distance, view, false));
            }
            // Views come in order, so of equal distances the first view stays.
            Slot::Occupied(mut slot) if distance < slot.get().0 => {
                slot.insert((distance, view, false));
            }
            Slot::Occupied(_) => {}
        }
    }

    /// A match by MD5 or SHA-1 is weak unless a stronger digest of the same entry agrees as well.
    fn mark_weak(&mut self) {
        let name = |key: &Key| (key.list.clone(), key.entry.clone());
        let strong: BTreeSet<_> = self.0.keys().filter(|key| !key.kind.is_weak()).map(name).collect();
        for (key, (_, _, weak)) in &mut self.0 {
            *weak = key.kind.is_weak() && !strong.contains(&name(key));
        }
    }

    pub(crate) fn any(&self, role: Role, near: bool) -> bool {
        self.0.keys().any(|key| key.role == role && key.kind.is_perceptual() == near)
    }

    pub(crate) fn has_role(&self, role: Role) -> bool {
        self.any(role, false) || self.any(role, true)
    }

    /// In the order of results: exact ones first, then by distance, list, entry, kind.
    pub(crate) fn into_vec(self) -> Vec<Match> {
        let mut matches: Vec<Match> = self
            .0
            .into_iter()
            .map(|(Key { list, entry, kind, label, role }, (distance, view, weak))| Match {
                kind,
                distance,
                view,
                list,
                entry,
                label,
                role,
                weak,
            })
            .collect();
        Match::sort(&mut matches);
        matches
    }
}
