//! The flat scan: every key against every query.

use lykta_hash::Pdq;

use crate::hamming::{Hit, Kernel, Key};

/// Keys that all queries of a batch read before the next ones: 16 KiB, half of a level-1 cache.
const BLOCK: usize = 512;

/// Hits of each query, in order of the keys. Memory is read once for the whole batch.
pub(crate) fn search(kernel: Kernel, keys: &[Key], queries: &[Pdq], radius: u32) -> Vec<Vec<Hit>> {
    let mut hits = vec![Vec::new(); queries.len()];
    let mut base = 0;
    for block in keys.chunks(BLOCK) {
        for (query, hits) in queries.iter().zip(&mut hits) {
            kernel.scan(block, base, &query.0, radius, hits);
        }
        base += block.len() as u32;
    }
    hits
}
