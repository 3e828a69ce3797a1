//! `--explain`: where the time of a near search goes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use lykta::scan::NearMatching;
use lykta::source::Locator;
use lykta::{Hash, Index, Pdq, Scanner};
use serde_json::{Value, json};

use crate::args::QueryArgs;
use crate::commands::index_info::plan_json;

/// Asks each index once more, with a stop-watch.
pub(super) struct Explainer<'a> {
    /// Each with its path and the radius at which it is searched.
    indexes: Vec<(&'a PathBuf, &'a Index, u32)>,
}

impl<'a> Explainer<'a> {
    /// One when it is asked for and there is something to explain.
    pub(super) fn new(args: &'a QueryArgs, indexes: &'a [Index], scanner: &Scanner<'_>) -> Option<Self> {
        let NearMatching::Performed { .. } = scanner.near_matching() else { return None };
        let paths = std::iter::once(&args.index).chain(&args.more);
        let indexes = paths.zip(indexes).zip(scanner.search_radii());
        args.explain
            .then(|| Self { indexes: indexes.map(|((path, index), radius)| (path, index, radius)).collect() })
    }

    /// What the search for a hash did in each index; none for a digest.
    pub(super) fn explain(&self, hash: &Hash) -> Option<Vec<Value>> {
        let Hash::Pdq(pdq) = hash else { return None };
        Some(self.indexes.iter().map(|(path, index, radius)| explain_in(path, index, *radius, pdq)).collect())
    }
}

fn explain_in(path: &Path, index: &Index, radius: u32, pdq: &Pdq) -> Value {
    let explanation = index.explain(pdq, radius);
    let microseconds = |time: Duration| time.as_nanos() as f64 / 1e3;
    json!({
        "index": Locator::from_path(path).to_string(),
        "radius": radius,
        "structure": explanation.used.name(),
        "probes": explanation.probes,
        "ids": explanation.ids,
        "candidates": explanation.candidates,
        "hits": explanation.hits,
        "us": {
            "buckets": microseconds(explanation.buckets_time),
            "hashes": microseconds(explanation.keys_time),
            "all": microseconds(explanation.time),
        },
        "plan": plan_json(&explanation.plan),
    })
}
