//! The matches of one item, gathered.

use std::borrow::Cow;
use std::collections::BTreeSet;

use lykta_hash::Kind;
use lykta_index::{Entry, Role};
use lykta_media::pdq::View;

use crate::bands::Band;
use crate::entry_set::EntrySet;
use crate::record::{Label, Match};

/// How near an entry is, by what was compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Nearness {
    pub(crate) distance: u32,
    pub(crate) view: View,
    /// Of PDQ; none of 64-bit hashes.
    pub(crate) coarse_distance: Option<u32>,
    /// None where only hashes are known.
    pub(crate) band: Option<Band>,
    pub(crate) plain: bool,
    pub(crate) below_band: bool,
}

/// The matches of one item, one for each kind, list, entry name, label and role.
///
/// Several rows of a list may carry one name: views of one picture, or the same picture once more;
/// and several indexes may hold one list. What a reader of the result could not tell apart is one
/// match, the best. No allocation while there is none.
#[derive(Default)]
pub(crate) struct Matches {
    found: Vec<Match>,
    retracted: Vec<Match>,
}

impl Matches {
    /// Adds a match; [`Matches::settle`] must follow.
    pub(crate) fn add(&mut self, entry: &Entry<'_>, name: Cow<'_, str>, kind: Kind, near: Option<Nearness>) {
        self.found.push(new_match(entry, name, kind, near));
    }

    /// Adds what would be a match, but for a later index that retracts the entry.
    pub(crate) fn leave_out(
        &mut self,
        entry: &Entry<'_>,
        name: Cow<'_, str>,
        kind: Kind,
        near: Option<Nearness>,
    ) {
        self.retracted.push(new_match(entry, name, kind, near));
    }

    /// Of what cannot be told apart, keeps the match in the best band, of these the nearest, and of equally
    /// near ones the first view.
    pub(crate) fn settle(&mut self) {
        settle(&mut self.found);
        settle(&mut self.retracted);
    }

    /// A match by MD5 or SHA-1 is weak unless a stronger digest of the same entry agrees as well.
    pub(crate) fn mark_weak(&mut self) {
        let name = |found: &Match| (found.list.clone(), found.entry.clone());
        let strong: BTreeSet<_> = self.found.iter().filter(|found| !found.kind.is_weak()).map(name).collect();
        for found in &mut self.found {
            found.weak = found.kind.is_weak() && (strong.is_empty() || !strong.contains(&name(found)));
        }
    }

    pub(crate) fn any(&self, role: Role, near: bool) -> bool {
        let is_it = |found: &&Match| found.role == role && found.kind.is_perceptual() == near;
        self.found.iter().filter(is_it).any(|found| !found.below_band)
    }

    /// Whether any match is below the band that was asked for.
    pub(crate) fn any_below_band(&self) -> bool {
        self.found.iter().any(|found| found.below_band)
    }

    pub(crate) fn has_role(&self, role: Role) -> bool {
        self.any(role, false) || self.any(role, true)
    }

    /// The matches in the order of results, those of `disputed` entries marked, and how many were
    /// left out and are not given by another index all the same.
    pub(crate) fn finish(mut self, disputed: &EntrySet) -> (Vec<Match>, u64) {
        let given =
            |left: &Match| self.found.binary_search_by(|found| identity(found).cmp(&identity(left))).is_ok();
        let retracted = self.retracted.iter().filter(|left| !given(left)).count() as u64;
        for found in &mut self.found {
            found.disputed = disputed.contains(&found.list, &found.entry);
        }
        Match::sort(&mut self.found);
        (self.found, retracted)
    }
}

fn new_match(entry: &Entry<'_>, name: Cow<'_, str>, kind: Kind, near: Option<Nearness>) -> Match {
    let label = entry.label.map(|label| Label {
        scheme: label.scheme.to_owned(),
        version: label.version.to_owned(),
        code: label.code.to_owned(),
        series: label.series.to_owned(),
        victim_identified: label.victim_identified.to_owned(),
        site: label.site.to_owned(),
    });
    Match {
        kind,
        distance: near.map_or(0, |near| near.distance),
        view: near.map(|near| near.view),
        entry_view: near.and(entry.view).map(str::to_owned),
        list: entry.source.name.clone(),
        list_version: entry.source.version.clone(),
        list_sha256: entry.source.sha256,
        row: entry.row,
        entry: name.into_owned(),
        coarse_distance: near.and_then(|near| near.coarse_distance),
        band: near.and_then(|near| near.band),
        plain: near.is_some_and(|near| near.plain),
        below_band: near.is_some_and(|near| near.below_band),
        label,
        role: entry.role,
        weak: false,
        disputed: false,
    }
}

/// What tells matches of one item apart.
fn identity(found: &Match) -> impl Ord + '_ {
    (&found.list, &found.entry, found.kind, &found.label, found.role, found.list_sha256)
}

fn settle(matches: &mut Vec<Match>) {
    if matches.len() < 2 {
        return;
    }
    fn order(found: &Match) -> impl Ord + '_ {
        (found.band, found.distance, found.view, &found.entry_view, found.row)
    }
    matches.sort_by(|a, b| identity(a).cmp(&identity(b)).then_with(|| order(a).cmp(&order(b))));
    matches.dedup_by(|later, first| identity(later) == identity(first));
}
