//! Which nodes a node reaches: an index in memory of the faces of all nodes that matter.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use lykta_hash::{Hash, Pdq};
use lykta_index::{BuildOptions, Builder, Index, NewEntry, Source};
use rayon::slice::ParallelSliceMut;

use super::FamilyOptions;
use super::items::{FamilyItems, Nodes};
use crate::error::{Cause, Error};

/// Nodes whose hashes are asked for in one call of the index: enough for its waits to overlap, few
/// enough for answers that name every hash there is to fit into memory.
const AT_ONCE: usize = 8;

/// A call whose answers have more hits than this is followed by calls of one question each.
const MANY: usize = 1 << 16;

/// A node that is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) node: u32,
    /// The least of all pairs of faces, in bits.
    pub(crate) distance: u32,
    /// The face of the reached node with that distance, by its place; the first of several.
    pub(crate) face: u32,
}

/// The index of the faces of some nodes.
pub(crate) struct Search<'a> {
    items: &'a FamilyItems,
    nodes: &'a Nodes,
    options: &'a FamilyOptions,
    index: Index<Vec<u8>>,
    /// Node and place of every face, ordered by hash.
    faces: Vec<(u32, u32)>,
    /// Where the faces of each different hash end; hashes are numbered as entries of the index.
    ends: Vec<u32>,
}

impl<'a> Search<'a> {
    /// Of the nodes that `matters` says. Some 150 bytes of memory a face while it is made, 100 then.
    pub(crate) fn new(
        items: &'a FamilyItems,
        nodes: &'a Nodes,
        options: &'a FamilyOptions,
        matters: impl Fn(u32) -> bool,
    ) -> Result<Self, Error> {
        let mut found: Vec<(Pdq, u32, u32)> = Vec::new();
        for (number, node) in nodes.iter().filter(|(number, _)| matters(*number)) {
            found.extend(items.compared(node.lead, options).map(|(place, face)| (face.pdq, number, place)));
        }
        found.par_sort_unstable();
        let build = BuildOptions { near_radius: options.radius, memory: u64::MAX, ..BuildOptions::default() };
        let mut builder = Builder::new(build);
        let source = builder.add_source(Source::default());
        let (mut faces, mut ends) = (Vec::with_capacity(found.len()), Vec::new());
        for (row, same) in (1..).zip(found.chunk_by(|a, b| a.0 == b.0)) {
            let hashes = [Hash::Pdq(same[0].0)];
            let entry = NewEntry { row, hashes: &hashes, ..NewEntry::default() };
            builder.add(source, &entry).map_err(Cause::Index)?;
            faces.extend(same.iter().map(|(_, node, place)| (*node, *place)));
            ends.push(faces.len() as u32);
        }
        drop(found);
        let index = Index::new(builder.into_bytes().map_err(Cause::Index)?).map_err(Cause::Index)?;
        Ok(Self { items, nodes, options, index, faces, ends })
    }

    /// The number of faces that are searched.
    pub(crate) fn len(&self) -> usize {
        self.faces.len()
    }

    /// What each of `nodes` reaches, itself included, in the order of nodes. Searches in all threads of
    /// the pool; once answers have more hits than `budget`, the rest is left out. The first is always
    /// there, unless `stop` is set.
    pub(crate) fn reached_by(
        &self,
        pool: &rayon::ThreadPool,
        nodes: &[u32],
        budget: usize,
        stop: &AtomicBool,
    ) -> Vec<Option<Vec<Hit>>> {
        let answers = Mutex::new(vec![None; nodes.len()]);
        let (next, spent) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            let mut size = 1;
            loop {
                let start = next.fetch_add(size, Relaxed);
                let over = start > 0 && spent.load(Relaxed) > budget;
                if start >= nodes.len() || over || stop.load(Relaxed) {
                    return;
                }
                let asked = &nodes[start..nodes.len().min(start + size)];
                let reached = self.reached(asked);
                let hits: usize = reached.iter().map(Vec::len).sum();
                spent.fetch_add(hits, Relaxed);
                size = if hits > MANY { 1 } else { AT_ONCE };
                let mut answers = answers.lock().unwrap_or_else(PoisonError::into_inner);
                for (place, reached) in answers[start..].iter_mut().zip(reached) {
                    *place = Some(reached);
                }
            }
        };
        match nodes.len() {
            0 => {}
            1 => work(),
            _ => {
                pool.broadcast(|_| work());
            }
        }
        answers.into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each node reaches, itself included, in the order of nodes.
    pub(crate) fn reached(&self, nodes: &[u32]) -> Vec<Vec<Hit>> {
        let mut reached: Vec<Reached> = nodes.iter().map(|_| Reached::default()).collect();
        let mut asked: Vec<(usize, Pdq)> = Vec::new();
        for (at, node) in nodes.iter().enumerate() {
            let faces = self.items.compared(self.nodes.get(*node).lead, self.options);
            asked.extend(faces.filter(|(_, face)| face.reaches).map(|(_, face)| (at, face.pdq)));
        }
        for asked in asked.chunks(AT_ONCE) {
            let hashes: Vec<Pdq> = asked.iter().map(|(_, pdq)| *pdq).collect();
            let answers = self.index.near_batch(&hashes, self.options.radius);
            for ((at, _), nears) in asked.iter().zip(answers) {
                let hits = nears.iter().flat_map(|near| {
                    let distance = near.distance;
                    self.faces_of(near.entry.get()).iter().map(move |(node, face)| Hit {
                        node: *node,
                        distance,
                        face: *face,
                    })
                });
                reached[*at].add(hits);
            }
        }
        reached.into_iter().map(Reached::finish).collect()
    }

    fn faces_of(&self, hash: u32) -> &[(u32, u32)] {
        let end = |hash: u32| self.ends.get(hash as usize).map_or(0, |end| *end as usize);
        let start = hash.checked_sub(1).map_or(0, end);
        self.faces.get(start..end(hash)).unwrap_or_default()
    }
}

/// Hits of one node, of which the nearest face of each reached node stays.
#[derive(Default)]
struct Reached {
    hits: Vec<Hit>,
    /// How many there were when they were last settled.
    settled: usize,
}

impl Reached {
    fn add(&mut self, hits: impl Iterator<Item = Hit>) {
        self.hits.extend(hits);
        // An item of many hashes reaches the same nodes by many of them.
        if self.hits.len() > 2 * self.settled + MANY {
            self.settle();
        }
    }

    fn settle(&mut self) {
        // By distance within a node, then by face.
        self.hits.sort_unstable();
        self.hits.dedup_by_key(|hit| hit.node);
        self.settled = self.hits.len();
    }

    fn finish(mut self) -> Vec<Hit> {
        self.settle();
        self.hits
    }
}
