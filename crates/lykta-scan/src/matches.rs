//! The matches of one item, gathered.

use std::collections::BTreeSet;

use lykta_hash::Kind;
use lykta_index::{Entry, Role};
use lykta_media::pdq::View;

use crate::entry_set::EntrySet;
use crate::record::{Label, Match};

/// The matches of one item, one for each kind, list, entry name, label and role.
///
/// Several rows of a list may carry one name: views of one picture, or the same picture once more;
/// and several indexes may hold one list. What a reader of the result could not tell apart is one
/// match, the nearest. No allocation while there is none.
#[derive(Default)]
pub(crate) struct Matches(Vec<Match>);

impl Matches {
    /// Adds a match; [`Matches::settle`] must follow.
    pub(crate) fn add(&mut self, entry: &Entry<'_>, kind: Kind, near: Option<(u32, View)>) {
        self.0.push(new_match(entry, kind, near));
    }

    /// Of what cannot be told apart, keeps the nearest, and of equally near ones the first view.
    pub(crate) fn settle(&mut self) {
        settle(&mut self.0);
    }

    /// A match by MD5 or SHA-1 is weak unless a stronger digest of the same entry agrees as well.
    pub(crate) fn mark_weak(&mut self) {
        let name = |found: &Match| (found.list.clone(), found.entry.clone());
        let strong: BTreeSet<_> = self.0.iter().filter(|found| !found.kind.is_weak()).map(name).collect();
        for found in &mut self.0 {
            found.weak = found.kind.is_weak() && (strong.is_empty() || !strong.contains(&name(found)));
        }
    }

    pub(crate) fn any(&self, role: Role, near: bool) -> bool {
        self.0.iter().any(|found| found.role == role && found.kind.is_perceptual() == near)
    }

    pub(crate) fn has_role(&self, role: Role) -> bool {
        self.any(role, false) || self.any(role, true)
    }

    /// The matches in the order of results, those of `disputed` entries marked.
    pub(crate) fn finish(mut self, disputed: &EntrySet) -> Vec<Match> {
        for found in &mut self.0 {
            found.disputed = disputed.contains(&found.list, &found.entry);
        }
        Match::sort(&mut self.0);
        self.0
    }
}

fn new_match(entry: &Entry<'_>, kind: Kind, near: Option<(u32, View)>) -> Match {
    let label = entry.label.map(|label| Label {
        scheme: label.scheme.to_owned(),
        version: label.version.to_owned(),
        code: label.code.to_owned(),
    });
    Match {
        kind,
        distance: near.map_or(0, |(distance, _)| distance),
        view: near.map(|(_, view)| view),
        list: entry.source.name.clone(),
        entry: entry.name_or_row().into_owned(),
        label,
        role: entry.role,
        weak: false,
        disputed: false,
    }
}

/// What tells matches of one item apart.
fn identity(found: &Match) -> impl Ord + '_ {
    (&found.list, &found.entry, found.kind, &found.label, found.role)
}

fn settle(matches: &mut Vec<Match>) {
    if matches.len() < 2 {
        return;
    }
    let order = |found: &Match| (found.distance, found.view);
    matches.sort_by(|a, b| identity(a).cmp(&identity(b)).then_with(|| order(a).cmp(&order(b))));
    matches.dedup_by(|later, first| identity(later) == identity(first));
}
