//! One number for each entry, in as few bytes as the largest needs.

use super::spool::{Place, Spool};
use crate::error::Error;

/// A column of numbers. While all of them are 0 it takes no byte at all.
pub(crate) struct Column {
    /// The widths that a number may have, in bytes, ascending from 0.
    widths: &'static [u32],
    width: u32,
    count: u64,
    numbers: Spool,
    place: Place,
}

impl Column {
    pub(crate) fn new(widths: &'static [u32], place: &Place) -> Self {
        Self { widths, width: 0, count: 0, numbers: Spool::new(place), place: place.clone() }
    }

    /// Bytes a number.
    pub(crate) fn width(&self) -> u32 {
        self.width
    }

    /// Bytes held in memory.
    pub(crate) fn memory(&self) -> u64 {
        self.numbers.memory()
    }

    pub(crate) fn push(&mut self, number: u64) -> Result<(), Error> {
        if number.checked_shr(8 * self.width).unwrap_or(0) != 0 {
            self.widen(number)?;
        }
        self.numbers.put(&number.to_le_bytes()[..self.width as usize])?;
        self.count += 1;
        Ok(())
    }

    /// Writes the column anew, wide enough for `number`: at most once a width.
    fn widen(&mut self, number: u64) -> Result<(), Error> {
        let before = self.width as usize;
        let fits = |width: &&u32| number.checked_shr(8 * **width).unwrap_or(0) == 0;
        self.width = self.widths.iter().find(fits).copied().unwrap_or(8);
        let after = self.width as usize;
        let old = std::mem::replace(&mut self.numbers, Spool::new(&self.place));
        if before == 0 {
            return (0..self.count).try_for_each(|_| self.numbers.put(&[0; 8][..after]));
        }
        let numbers = &mut self.numbers;
        old.drain(before, &mut |bytes| {
            bytes.chunks_exact(before).try_for_each(|narrow| {
                let mut wide = [0; 8];
                wide[..before].copy_from_slice(narrow);
                numbers.put(&wide[..after])
            })
        })
    }

    /// Gives the whole column.
    pub(crate) fn drain(self, put: &mut dyn FnMut(&[u8]) -> Result<(), Error>) -> Result<(), Error> {
        self.numbers.drain(1, put)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_is_as_wide_as_its_largest_number() {
        let column = |numbers: &[u64]| {
            let mut column = Column::new(&[0, 1, 2, 4], &Place::default());
            numbers.iter().for_each(|number| column.push(*number).expect("room"));
            let (width, mut bytes) = (column.width(), Vec::new());
            let mut put = |part: &[u8]| {
                bytes.extend_from_slice(part);
                Ok(())
            };
            column.drain(&mut put).expect("readable");
            (width, bytes)
        };
        assert_eq!(column(&[]), (0, vec![]));
        assert_eq!(column(&[0, 0]), (0, vec![]));
        assert_eq!(column(&[0, 0, 255]), (1, vec![0, 0, 255]));
        assert_eq!(column(&[0, 1, 256, 2]), (2, vec![0, 0, 1, 0, 0, 1, 2, 0]));
        assert_eq!(column(&[0, 65536]), (4, vec![0, 0, 0, 0, 0, 0, 1, 0]));
        assert_eq!(column(&[3, 300, 65536]).1, [3, 0, 0, 0, 44, 1, 0, 0, 0, 0, 1, 0]);
    }
}
