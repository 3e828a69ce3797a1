//! The BK-tree: keys ordered so that every subtree is one run, small subtrees flat.
//!
//! W. A. Burkhard and R. M. Keller, "Some approaches to best-match file searching", 1973. A node's
//! first key is its pivot; the others are grouped by their distance from it, one child a distance.
//! By the triangle inequality a key within `radius` of the query can only be in a child whose
//! distance differs from the query's by at most `radius`. It prunes when the radius is small
//! against the spread of distances; docs/architecture.md has the figures.
//!
//! ```text
//! search(node): d = distance(pivot, query); report the pivot if d <= radius
//!               for each child with |child.distance - d| <= radius: search(child)
//! ```
//!
//! Keys lie in the order of the tree, so a leaf is scanned by the vector kernel and a node's
//! children are neighbours.

use std::collections::VecDeque;
use std::ops::Range;

use crate::error::{Error, Problem};
use crate::format::{BkNode, SectionKind};
use crate::hamming::{Hit, Kernel, Key};

/// Runs up to this length are not split. A split gives some 50 children, and reading a run in order
/// costs less than going to a tenth of that many places: measured with 64, 512 and 2048 keys
/// (docs/performance.md, "BK-tree").
const LEAF: usize = 512;

/// A tree as it lies in a file.
pub(crate) struct Bk<'a> {
    pub(crate) nodes: &'a [BkNode],
    pub(crate) keys: &'a [Key],
}

impl Bk<'_> {
    /// Appends the keys within `radius`, in no order. False when the nodes contradict themselves,
    /// as only a damaged file's do; the hits are then worthless.
    pub(crate) fn search(&self, kernel: Kernel, query: &Key, radius: u32, hits: &mut Vec<Hit>) -> bool {
        let mut open = vec![0];
        // Each key is in one leaf or is one pivot, and each node has one parent. What looks at more
        // keys or nodes than there are is a loop.
        let mut keys_left = self.keys.len();
        for _ in 0..=self.nodes.len() {
            let Some(at) = open.pop() else { return true };
            let Some(node) = self.nodes.get(at) else { return self.nodes.is_empty() };
            let Some(run) = self.run(node) else { return false };
            let start = node.start.get();
            let looked_at = if node.children.get() == 0 { run.len() } else { 1 };
            match keys_left.checked_sub(looked_at) {
                Some(left) => keys_left = left,
                None => return false,
            }
            if node.children.get() == 0 {
                kernel.scan(run, start, query, radius, hits);
                continue;
            }
            let Some(pivot) = run.first() else { return false };
            let distance = lykta_hash::Pdq(*pivot).distance(&lykta_hash::Pdq(*query));
            if distance <= radius {
                hits.push(Hit { distance, id: start });
            }
            let Some(children) = self.nodes.get(children(node)) else { return false };
            if open.len() + children.len() > self.nodes.len() {
                return false;
            }
            let near = |child: &BkNode| u32::from(child.distance.get()).abs_diff(distance) <= radius;
            let first = node.first_child.get() as usize;
            open.extend(children.iter().enumerate().filter(|(_, child)| near(child)).map(|(i, _)| first + i));
        }
        false
    }

    fn run(&self, node: &BkNode) -> Option<&[Key]> {
        let start = node.start.get() as usize;
        self.keys.get(start..start.checked_add(node.length.get() as usize)?)
    }

    /// Checks every node and every distance. Cost: one distance for each key and level.
    pub(crate) fn verify(&self) -> Result<(), Error> {
        let wrong = |record: usize, what| -> Error {
            Problem::Record { section: SectionKind::BkNodes, record: record as u64, what }.into()
        };
        let covers_all =
            |root: &BkNode| root.start.get() == 0 && root.length.get() as usize == self.keys.len();
        if !self.nodes.first().is_some_and(covers_all) {
            return Err(wrong(0, "the root does not cover all keys"));
        }
        // Every node but the root is somebody's child exactly once: children follow one another.
        let mut next_child = 1;
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(run) = self.run(node) else { return Err(wrong(at, "keys beyond the last")) };
            if node.children.get() == 0 {
                let mut sorted = run.to_vec();
                sorted.sort_unstable();
                if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
                    return Err(wrong(at, "a hash twice"));
                }
                continue;
            }
            let Some(pivot) = run.first() else { return Err(wrong(at, "an inner node without a pivot")) };
            let range = children(node);
            if range.start != next_child || range.start <= at {
                return Err(wrong(at, "children out of order"));
            }
            next_child = range.end;
            let Some(children) = self.nodes.get(range) else {
                return Err(wrong(at, "children beyond the last"));
            };
            let mut start = node.start.get() as usize + 1;
            let mut last = 0;
            for child in children {
                let distance = u32::from(child.distance.get());
                let Some(run) = self.run(child) else {
                    return Err(wrong(at, "a child's keys beyond the last"));
                };
                if child.start.get() as usize != start || run.is_empty() {
                    return Err(wrong(at, "children that leave out or share keys"));
                }
                let of = |key: &Key| lykta_hash::Pdq(*key).distance(&lykta_hash::Pdq(*pivot));
                if distance <= last || run.iter().any(|key| of(key) != distance) {
                    return Err(wrong(at, "a child at another distance than it says"));
                }
                start += run.len();
                last = distance;
            }
            if start != node.start.get() as usize + node.length.get() as usize {
                return Err(wrong(at, "children that do not cover the run"));
            }
        }
        if next_child != self.nodes.len() {
            return Err(wrong(next_child, "a node without a parent"));
        }
        Ok(())
    }
}

fn children(node: &BkNode) -> Range<usize> {
    let first = node.first_child.get() as usize;
    first..first + usize::from(node.children.get())
}

/// Orders distinct `keys` as a tree: the position each key moves from, and the nodes.
pub(crate) fn build(keys: &[Key]) -> (Vec<u32>, Vec<BkNode>) {
    let mut order: Vec<u32> = (0..keys.len() as u32).collect();
    if keys.is_empty() {
        return (order, Vec::new());
    }
    let node = |run: &Range<usize>, distance: u16| BkNode {
        start: (run.start as u32).into(),
        length: (run.len() as u32).into(),
        first_child: 0.into(),
        children: 0.into(),
        distance: distance.into(),
    };
    let mut nodes = vec![node(&(0..keys.len()), 0)];
    // Breadth first, so that the children of one node are neighbours.
    let mut open = VecDeque::from([(0, 0..keys.len())]);
    while let Some((at, run)) = open.pop_front() {
        if run.len() <= LEAF {
            continue;
        }
        let part = &mut order[run.clone()];
        // The middle of a sorted run, because its ends are the hashes of extreme pictures.
        part.swap(0, run.len() / 2);
        let pivot = lykta_hash::Pdq(keys[part[0] as usize]);
        let distance = |id: u32| lykta_hash::Pdq(keys[id as usize]).distance(&pivot) as u16;
        let mut others: Vec<(u16, u32)> = part[1..].iter().map(|&id| (distance(id), id)).collect();
        others.sort_unstable();
        let first_child = nodes.len();
        let mut start = run.start + 1;
        for group in others.chunk_by(|a, b| a.0 == b.0) {
            let child = start..start + group.len();
            order[child.clone()].iter_mut().zip(group).for_each(|(slot, (_, id))| *slot = *id);
            open.push_back((nodes.len(), child.clone()));
            nodes.push(node(&child, group[0].0));
            start = child.end;
        }
        nodes[at].first_child = (first_child as u32).into();
        nodes[at].children = ((nodes.len() - first_child) as u16).into();
    }
    (order, nodes)
}
