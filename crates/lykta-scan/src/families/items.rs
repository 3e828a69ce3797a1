//! What is grouped: faces of items, and items with the same faces as one node.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use lykta_hash::Pdq;

use super::{Face, FamilyOptions};

/// What is to be grouped, item by item, numbered from 0 in the order of [`FamilyItems::push`].
#[derive(Debug, Default)]
pub struct FamilyItems {
    faces: Vec<StoredFace>,
    /// Where the faces of each item end.
    ends: Vec<usize>,
    /// SHA-256 of each item's bytes, where known.
    bytes: Vec<Option<[u8; 32]>>,
    views: Vec<String>,
    view_numbers: BTreeMap<String, u32>,
}

/// A face; its view is a number in the table of names.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StoredFace {
    pub(crate) pdq: Pdq,
    view: u32,
    pub(crate) quality: Option<u8>,
    pub(crate) reaches: bool,
}

impl FamilyItems {
    /// Adds an item and returns its number: its faces, the first being the one to show, and the SHA-256
    /// of its bytes where that is known.
    pub fn push<'a>(&mut self, faces: impl IntoIterator<Item = Face<'a>>, sha256: Option<[u8; 32]>) -> usize {
        for face in faces {
            let view = self.view_number(face.view);
            let Face { pdq, quality, reaches, .. } = face;
            self.faces.push(StoredFace { pdq, view, quality, reaches });
        }
        self.ends.push(self.faces.len());
        self.bytes.push(sha256);
        self.ends.len() - 1
    }

    /// The number of items.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// A face of an item, by its place in what was pushed; `None` when there is none.
    pub fn face(&self, item: usize, place: usize) -> Option<Face<'_>> {
        let face = self.stored(item).get(place)?;
        let view = self.views.get(face.view as usize).map_or("", String::as_str);
        Some(Face { view, pdq: face.pdq, quality: face.quality, reaches: face.reaches })
    }

    fn view_number(&mut self, view: &str) -> u32 {
        if let Some(number) = self.view_numbers.get(view) {
            return *number;
        }
        let number = self.views.len() as u32;
        self.views.push(view.to_owned());
        self.view_numbers.insert(view.to_owned(), number);
        number
    }

    fn stored(&self, item: usize) -> &[StoredFace] {
        let start = item.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.faces[start..self.ends[item]]
    }

    /// The faces of an item that may be compared, with their places.
    pub(crate) fn compared<'s>(
        &'s self,
        item: u32,
        options: &'s FamilyOptions,
    ) -> impl Iterator<Item = (u32, &'s StoredFace)> {
        (0..).zip(self.stored(item as usize)).filter(|(_, face)| options.compares(face))
    }

    /// By what is compared of the items; equal ones cannot be told apart. Items of which nothing is
    /// compared come last, by their bytes, and are equal only when those are known to be.
    fn order(&self, a: u32, b: u32, options: &FamilyOptions) -> Ordering {
        let is_alone = |item| self.compared(item, options).next().is_none();
        match (is_alone(a), is_alone(b)) {
            (false, false) => {
                // Places too: they name the view of a member.
                let key = |(place, face): (u32, &StoredFace)| (place, face.pdq, face.reaches);
                self.compared(a, options).map(key).cmp(self.compared(b, options).map(key))
            }
            (true, true) => match (self.bytes[a as usize], self.bytes[b as usize]) {
                (None, None) => a.cmp(&b),
                (a, b) => a.cmp(&b),
            },
            (a, b) => a.cmp(&b),
        }
    }
}

/// Items with the same faces.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Node {
    /// Its items, in `Nodes::items`.
    start: u32,
    end: u32,
    /// The item to represent it: of the best quality, the first of several.
    pub(crate) lead: u32,
    /// Quality of the first face that is compared, of the lead; 0 when it is not known.
    pub(crate) quality: u8,
    /// Whether it is compared at all.
    pub(crate) compared: bool,
    /// Whether it can represent others.
    pub(crate) reaches: bool,
}

/// All nodes, in the order of their first items.
#[derive(Debug)]
pub(crate) struct Nodes {
    list: Vec<Node>,
    items: Vec<u32>,
}

impl Nodes {
    pub(crate) fn new(items: &FamilyItems, options: &FamilyOptions) -> Self {
        let mut order: Vec<u32> = (0..items.len() as u32).collect();
        // Stable: the items of a node stay in order.
        order.sort_by(|a, b| items.order(*a, *b, options));
        let mut list = Vec::new();
        let mut start = 0;
        for same in order.chunk_by(|a, b| items.order(*a, *b, options) == Ordering::Equal) {
            let end = start + same.len() as u32;
            let quality = |item: u32| {
                items.compared(item, options).next().and_then(|(_, face)| face.quality).unwrap_or(0)
            };
            let lead = same.iter().copied().max_by_key(|item| (quality(*item), u32::MAX - item));
            let lead = lead.unwrap_or_default();
            list.push(Node {
                start,
                end,
                lead,
                quality: quality(lead),
                compared: items.compared(lead, options).next().is_some(),
                reaches: items.compared(lead, options).any(|(_, face)| face.reaches),
            });
            start = end;
        }
        list.sort_unstable_by_key(|node| order[node.start as usize]);
        Self { list, items: order }
    }

    pub(crate) fn len(&self) -> usize {
        self.list.len()
    }

    pub(crate) fn get(&self, node: u32) -> &Node {
        &self.list[node as usize]
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Node)> {
        (0..).zip(&self.list)
    }

    /// The items of a node, in order.
    pub(crate) fn items(&self, node: u32) -> &[u32] {
        let node = self.get(node);
        &self.items[node.start as usize..node.end as usize]
    }

    /// How many items a node stands for.
    pub(crate) fn weight(&self, node: u32) -> u32 {
        let node = self.get(node);
        node.end - node.start
    }
}
