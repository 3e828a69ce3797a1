//! One node after another gets a family.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::FamilyOptions;
use super::centre::Choice;
use super::items::{FamilyItems, Nodes};
use super::search::{Hit, Search};
use crate::error::Error;

/// Nodes that are searched for ahead of their turn, at most.
const MOST_AHEAD: usize = 4096;

/// Hits that searches ahead of their turn may have together; each takes 12 bytes.
const BUDGET: usize = 8 << 20;

/// Hits on nodes that have a family already, as a multiple of the faces in the index, before the
/// index is made anew without them.
const MOST_WASTED: u64 = 64;

const NONE: u32 = u32::MAX;

/// Which family a node is in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its number, in the order in which families were founded.
    pub(crate) family: u32,
    /// Distance from the representative, in bits.
    pub(crate) distance: u32,
    /// The face of the node with that distance, by its place.
    pub(crate) face: u32,
}

/// The families of nodes.
pub(crate) struct Covered {
    /// The node that represents each family.
    pub(crate) representatives: Vec<u32>,
    /// The place of each node.
    pub(crate) places: Vec<Place>,
    /// Whether every node is with its nearest representative.
    pub(crate) nearest: bool,
}

/// What is known ahead of a node's turn.
#[derive(Default)]
struct Ahead {
    /// What nodes reach.
    reached: HashMap<u32, Vec<Hit>>,
    /// The centre that was chosen around a node, and how many nodes without a family there were.
    centres: HashMap<u32, (u32, usize)>,
}

/// The work in progress.
pub(crate) struct Cover<'a> {
    choice: Choice<'a>,
    pool: &'a rayon::ThreadPool,
    search: Search<'a>,
    /// Hits on nodes with a family since the index was made.
    wasted: u64,
    most_wasted: u64,
    most_ahead: usize,
    covered: Covered,
    placed: u64,
}

impl<'a> Cover<'a> {
    pub(crate) fn new(
        items: &'a FamilyItems,
        nodes: &'a Nodes,
        options: &'a FamilyOptions,
        pool: &'a rayon::ThreadPool,
    ) -> Result<Self, Error> {
        let nowhere = Place { family: NONE, distance: 0, face: 0 };
        let places = vec![nowhere; nodes.len()];
        Ok(Self {
            choice: Choice { items, nodes, options },
            pool,
            search: Search::new(items, nodes, options, |_| true)?,
            wasted: 0,
            most_wasted: MOST_WASTED,
            most_ahead: MOST_AHEAD,
            covered: Covered { representatives: Vec::new(), places, nearest: true },
            placed: 0,
        })
    }

    /// Other bounds, for tests: results must not depend on the second, and but for
    /// [`Covered::nearest`] all that is promised must hold with any of the first.
    #[cfg(test)]
    pub(crate) fn bounded(self, most_wasted: u64, most_ahead: usize) -> Self {
        Self { most_wasted, most_ahead, ..self }
    }

    /// Gives every node a family; `None` when it was stopped.
    pub(crate) fn run(
        mut self,
        progress: &(dyn Fn(u64, u64) + Sync),
        stop: &AtomicBool,
    ) -> Result<Option<Covered>, Error> {
        let all = self.choice.nodes.len() as u64;
        let order = self.order();
        let (mut at, mut size) = (0, 1);
        while at < order.len() {
            if stop.load(Relaxed) {
                return Ok(None);
            }
            progress(self.placed, all);
            let batch = self.next_batch(&order[at..], size);
            let Some(ahead) = self.look_ahead(&batch, &mut size, stop) else { return Ok(None) };
            at = self.take_turns(&order, at, ahead)?;
        }
        progress(all, all);
        Ok(Some(self.covered))
    }

    /// The order of turns: those that can represent others first, those of most items, of the best
    /// quality, the first.
    fn order(&self) -> Vec<u32> {
        let nodes = self.choice.nodes;
        let mut order: Vec<u32> = (0..nodes.len() as u32).collect();
        order.sort_by_key(|number| {
            let node = nodes.get(*number);
            (Reverse(node.reaches), Reverse(nodes.weight(*number)), Reverse(node.quality), node.lead)
        });
        order
    }

    /// The nodes whose turns come next and who will need a search.
    fn next_batch(&self, order: &[u32], size: usize) -> Vec<u32> {
        let waiting = order.iter().copied().filter(|node| !self.has_family(*node));
        waiting.take_while(|node| self.choice.nodes.get(*node).reaches).take(size).collect()
    }

    /// Searches ahead of turns, and adapts `size` to how many hits that gives. `None` when stopped.
    fn look_ahead(&self, batch: &[u32], size: &mut usize, stop: &AtomicBool) -> Option<Ahead> {
        let answers = self.search.reached_by(self.pool, batch, BUDGET, stop);
        let mut ahead = Ahead::default();
        let mut hits = 0;
        for (node, reached) in batch.iter().zip(answers) {
            let Some(reached) = reached else { continue };
            hits += reached.len();
            ahead.reached.insert(*node, reached);
        }
        ahead.centres = self.centres_ahead(batch, &ahead.reached);
        let mut founders: Vec<u32> = ahead.centres.values().map(|(centre, _)| *centre).collect();
        founders.sort_unstable();
        founders.dedup();
        founders.retain(|founder| !ahead.reached.contains_key(founder));
        let answers = self.search.reached_by(self.pool, &founders, BUDGET, stop);
        ahead
            .reached
            .extend(founders.into_iter().zip(answers).filter_map(|(node, hits)| Some((node, hits?))));
        *size = if hits < BUDGET / 8 { (*size * 4).min(self.most_ahead) } else { (*size / 8).max(1) };
        (!stop.load(Relaxed)).then_some(ahead)
    }

    /// The centres that will be chosen if nothing happens before. Only around nodes that no earlier one
    /// of the batch will take along.
    fn centres_ahead(&self, batch: &[u32], reached: &HashMap<u32, Vec<Hit>>) -> HashMap<u32, (u32, usize)> {
        let mut taken: HashSet<u32> = HashSet::new();
        let mut founding = Vec::new();
        for node in batch {
            let Some(hits) = reached.get(node).filter(|_| !taken.contains(node)) else { continue };
            let around = self.without_family(hits);
            if around.len() > 1 {
                taken.extend(around.iter().map(|hit| hit.node));
                founding.push((*node, around));
            }
        }
        let centre =
            |(node, around): &(u32, Vec<Hit>)| (*node, (self.choice.centre(*node, around), around.len()));
        self.pool.install(|| founding.par_iter().map(centre).collect())
    }

    /// Takes turns as long as searches were made ahead; returns where to go on.
    fn take_turns(&mut self, order: &[u32], from: usize, mut ahead: Ahead) -> Result<usize, Error> {
        for (at, node) in order.iter().enumerate().skip(from) {
            if self.has_family(*node) {
                continue;
            }
            if !self.choice.nodes.get(*node).reaches {
                self.found(*node, &[]);
                continue;
            }
            let Some(hits) = ahead.reached.get(node) else { return Ok(at) };
            let around = self.without_family(hits);
            let centre = match ahead.centres.get(node) {
                // Nodes without a family only become fewer: as many are the same.
                Some((centre, count)) if *count == around.len() => *centre,
                _ => self.choice.centre(*node, &around),
            };
            let hits = match ahead.reached.remove(&centre) {
                Some(hits) => hits,
                None => self.search.reached(&[centre]).pop().unwrap_or_default(),
            };
            self.found(centre, &hits);
            if self.wasted > self.most_wasted * self.search.len() as u64 {
                self.search_only_the_rest()?;
                return Ok(at);
            }
        }
        Ok(order.len())
    }

    fn without_family(&self, hits: &[Hit]) -> Vec<Hit> {
        hits.iter().filter(|hit| !self.has_family(hit.node)).copied().collect()
    }

    fn has_family(&self, node: u32) -> bool {
        self.covered.places[node as usize].family != NONE
    }

    /// Founds a family of what `representative` reaches.
    fn found(&mut self, representative: u32, hits: &[Hit]) {
        let Covered { representatives, places, .. } = &mut self.covered;
        let family = representatives.len() as u32;
        representatives.push(representative);
        let own = hits.iter().find(|hit| hit.node == representative).map_or(0, |hit| hit.face);
        places[representative as usize] = Place { family, distance: 0, face: own };
        self.placed += 1;
        for hit in hits.iter().filter(|hit| hit.node != representative) {
            let place = &mut places[hit.node as usize];
            let here = Place { family, distance: hit.distance, face: hit.face };
            if place.family == NONE {
                *place = here;
                self.placed += 1;
                continue;
            }
            self.wasted += 1;
            let represents = representatives[place.family as usize] == hit.node;
            if !represents && hit.distance < place.distance {
                *place = here;
            }
        }
    }

    fn search_only_the_rest(&mut self) -> Result<(), Error> {
        let Choice { items, nodes, options } = self.choice;
        let places = &self.covered.places;
        self.search = Search::new(items, nodes, options, |node| places[node as usize].family == NONE)?;
        self.wasted = 0;
        self.covered.nearest = false;
        Ok(())
    }
}
