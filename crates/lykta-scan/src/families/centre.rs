//! Who represents a family: of the nodes around one, the node that reaches most of them.

use std::cmp::Reverse;

use super::FamilyOptions;
use super::items::{FamilyItems, Nodes, StoredFace};
use super::search::Hit;

/// Nodes that may become the centre, and nodes that each of them is compared with. Of more, those at
/// equal intervals are taken: the cost of a choice is bounded.
const CANDIDATES: usize = 32;
const JUDGES: usize = 64;

/// Faces of a node that are looked at here.
const FACES: usize = 16;

/// What a choice looks at.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    pub(crate) items: &'a FamilyItems,
    pub(crate) nodes: &'a Nodes,
    pub(crate) options: &'a FamilyOptions,
}

impl Choice<'_> {
    /// The node of `around` that reaches `node` and of all others the most items; of several the one
    /// of the best quality, then of the least distances, then the first in order.
    ///
    /// `around` is what `node` reaches, itself included; of many, a sample is compared. `node` itself
    /// when it reaches nothing else.
    pub(crate) fn centre(self, node: u32, around: &[Hit]) -> u32 {
        if around.len() < 2 {
            return node;
        }
        let judges: Vec<u32> = sample(around, JUDGES).collect();
        let candidates = sample(around, CANDIDATES).chain([node]).filter(|candidate| {
            self.nodes.get(*candidate).reaches && self.distance(*candidate, node).is_some()
        });
        let best = candidates.max_by_key(|candidate| {
            let (mut reached, mut distances) = (0, 0);
            for judge in &judges {
                if let Some(distance) = self.distance(*candidate, *judge) {
                    let weight = u64::from(self.nodes.weight(*judge));
                    reached += weight;
                    distances += weight * u64::from(distance);
                }
            }
            let chosen = self.nodes.get(*candidate);
            (reached, chosen.quality, Reverse(distances), Reverse(chosen.lead))
        });
        best.unwrap_or(node)
    }

    /// How far `to` is from what represents `from`, when that is within the radius.
    fn distance(self, from: u32, to: u32) -> Option<u32> {
        let faces = |node: u32| {
            let compared = self.items.compared(self.nodes.get(node).lead, self.options);
            compared.map(|(_, face): (u32, &StoredFace)| face).take(FACES)
        };
        let reaching = faces(from).filter(|face| face.reaches);
        let distances = reaching.flat_map(|from| faces(to).map(|to| from.pdq.distance(&to.pdq)));
        distances.min().filter(|distance| *distance <= self.options.radius)
    }
}

/// At most `most` of the nodes, at equal intervals.
fn sample(around: &[Hit], most: usize) -> impl Iterator<Item = u32> {
    let count = around.len().min(most);
    (0..count).map(move |at| around[at * around.len() / count].node)
}
