//! Whether a side of a large JPEG may be a border, from the means of its outermost blocks.
//!
//! A border is at least a block wide in a picture of that size, or too thin to matter. What is said
//! here is only that it is worth to look at pixels: see [`borders`](super::borders).

use crate::picture::Dimensions;

/// Watches the outermost blocks.
pub(super) struct EvenSides {
    /// The means of the blocks in the row of units at hand, those that are nearly even: row by row.
    pub(super) means: Vec<Option<i16>>,
    /// Blocks in a row, those past the picture's edge too.
    stride: usize,
    /// Rows of blocks in a row of units.
    rows_of_unit: usize,
    /// The last column and row of blocks that have pixels of the picture.
    last: (usize, usize),
    top: bool,
    bottom: bool,
    left: Column,
    right: Column,
}

/// The blocks of the first or last column.
#[derive(Default)]
struct Column {
    first: Option<i16>,
    alike: usize,
}

impl Column {
    fn add(&mut self, mean: Option<i16>) {
        let Some(mean) = mean else { return };
        let first = *self.first.get_or_insert(mean);
        self.alike += usize::from(is_alike(mean, first));
    }
}

fn is_alike(a: i16, b: i16) -> bool {
    a.abs_diff(b) <= EvenSides::TOLERANCE as u16
}

impl EvenSides {
    /// How far samples of a border may be from one another.
    pub(super) const TOLERANCE: u32 = 12;

    pub(super) fn new(dimensions: Dimensions, stride: usize, rows_of_unit: usize) -> Self {
        let last = |length: u32| (length.max(1) as usize - 1) / 8;
        Self {
            means: vec![None; stride * rows_of_unit],
            stride,
            rows_of_unit,
            last: (last(dimensions.width), last(dimensions.height)),
            top: false,
            bottom: false,
            left: Column::default(),
            right: Column::default(),
        }
    }

    /// The means of row `row` of units are there.
    pub(super) fn end_row(&mut self, row: usize) {
        let (last_column, last_row) = self.last;
        for (means, row) in self.means.chunks(self.stride).zip(row * self.rows_of_unit..=last_row) {
            let means = &means[..=last_column];
            self.left.add(means[0]);
            self.right.add(means[last_column]);
            if row == 0 || row == last_row {
                let mut line = Column::default();
                means.iter().for_each(|mean| line.add(*mean));
                let is_even = is_most(line.alike, means.len());
                self.top |= is_even && row == 0;
                self.bottom |= is_even && row == last_row;
            }
        }
    }

    /// Whether any side may be a border.
    pub(super) fn any(&self) -> bool {
        let rows = self.last.1 + 1;
        self.top || self.bottom || is_most(self.left.alike, rows) || is_most(self.right.alike, rows)
    }
}

/// Nine tenths: a caption or an icon may lie on a border.
fn is_most(count: usize, of: usize) -> bool {
    10 * count >= 9 * of
}
