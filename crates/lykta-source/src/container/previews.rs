//! Pictures within pictures.
use std::ops::Range;
/// A picture within one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it is.
    pub name: String,
    /// Where it is in the file, in bytes.
    pub range: Range<usize>,
}
/// None yet.
pub fn previews(_: &[u8]) -> Vec<Preview> {
    Vec::new()
}
