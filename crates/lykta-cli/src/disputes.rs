//! The file of `--dispute`: entries whose matches are reported as ever and marked.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;

use anyhow::anyhow;
use lykta::hash::text::to_hex;
use lykta::scan::{DisputeInfo, EntrySet};
use lykta::source::{Locator, escape};
use lykta::{EntryPair, EntryPairs, EntryPairsError, Index};

use crate::say::note;

/// What the file says, and which file it was.
pub(crate) struct Disputes {
    pub(crate) entries: Arc<EntrySet>,
    pub(crate) info: DisputeInfo,
}

/// Reads the file to its end; its entries are held in memory.
pub(crate) fn read(path: &Path) -> anyhow::Result<Disputes> {
    let shown = Locator::from_path(path);
    let file = File::open(path).map_err(|error| {
        anyhow!("cannot open the disputed entries {shown}: {error}; check its path and permissions")
    })?;
    read_from(path, file).map_err(|error| anyhow!("{shown}: {error}"))
}

fn read_from(path: &Path, input: impl io::Read) -> Result<Disputes, EntryPairsError> {
    let mut pairs = EntryPairs::new(input)?;
    let (mut entries, mut rows) = (EntrySet::default(), 0);
    for pair in &mut pairs {
        let EntryPair { list, entry } = pair?;
        entries.insert(list, entry);
        rows += 1;
    }
    let info = DisputeInfo {
        path: escape(path.as_os_str().as_encoded_bytes()).into_owned(),
        sha256: to_hex(&pairs.sha256()),
        bytes: pairs.bytes(),
        rows,
        entries: entries.len() as u64,
    };
    Ok(Disputes { entries: Arc::new(entries), info })
}

/// Says of each list that no index holds that nothing of it can be marked: mostly a slip of the pen.
pub(crate) fn note_unknown_lists(entries: &EntrySet, indexes: &[Index]) {
    let known =
        |list: &str| indexes.iter().flat_map(|index| index.sources()).any(|source| source.name == list);
    for list in entries.lists().filter(|list| !known(list)) {
        note(format_args!("no index holds a list named {list}: disputed entries of it cannot be marked"));
    }
}
