//! What can happen to a file.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One thing that happens to a file. Lengths are in bytes.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    Flip(Index, u8),
    Cut(Index),
    Delete(Index, usize),
    Double(Index, usize),
    Put(Index, &'static [u8]),
}

/// What may happen to a file in which `marks` mean something.
pub(crate) fn damage(marks: &'static [&'static [u8]]) -> impl Strategy<Value = Damage> {
    let at = any::<Index>;
    prop_oneof![
        (at(), 1u8..).prop_map(|(at, bits)| Damage::Flip(at, bits)),
        at().prop_map(Damage::Cut),
        (at(), 1usize..40).prop_map(|(at, length)| Damage::Delete(at, length)),
        (at(), 1usize..400).prop_map(|(at, length)| Damage::Double(at, length)),
        (at(), select(marks)).prop_map(|(at, mark)| Damage::Put(at, mark)),
    ]
}

impl Damage {
    pub(crate) fn strike(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Flip(at, bits) => {
                let at = at.index(bytes.len());
                bytes[at] ^= bits;
            }
            Self::Cut(at) => bytes.truncate(at.index(bytes.len())),
            Self::Delete(at, length) => {
                let at = at.index(bytes.len());
                bytes.drain(at..(at + length).min(bytes.len()));
            }
            Self::Double(at, length) => {
                let at = at.index(bytes.len());
                let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
                bytes.splice(at..at, piece);
            }
            Self::Put(at, mark) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, mark.iter().copied());
            }
        }
    }
}
