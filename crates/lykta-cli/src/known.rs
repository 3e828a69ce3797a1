//! Opening the index files that a command names.

use std::error::Error as _;
use std::path::{Path, PathBuf};

use lykta::Index;
use lykta::source::Locator;

/// How the bytes of an index come into memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Load {
    /// Mapped: as they are needed.
    Mapped,
    /// All of them before the first question (`--preload`).
    Preloaded,
}

impl Load {
    pub(crate) fn new(preload: bool) -> Self {
        if preload { Self::Preloaded } else { Self::Mapped }
    }
}

/// Opens an index; an error of the system gets the advice that it lacks.
pub(crate) fn open_index(path: &Path) -> anyhow::Result<Index> {
    open(path, Load::Mapped)
}

fn open(path: &Path, load: Load) -> anyhow::Result<Index> {
    let index = match load {
        Load::Mapped => Index::open(path),
        Load::Preloaded => Index::preload(path),
    };
    index.map_err(|error| {
        let advice = error
            .source()
            .map(|_| format!("{error}; check the path, or build an index with `lykta index build`"));
        let error = anyhow::Error::new(error);
        match advice {
            Some(advice) => error.context(advice),
            None => error,
        }
    })
}

/// Opens several, in the order given.
pub(crate) fn open_indexes<'p>(
    paths: impl IntoIterator<Item = &'p PathBuf>,
    load: Load,
) -> anyhow::Result<Vec<Index>> {
    paths.into_iter().map(|path| open(path, load)).collect()
}

/// Opens an index and compares every byte of it with its checksums: a result must not rest on a file
/// that was damaged on its way here. Reads the whole file.
pub(crate) fn open_undamaged(path: &Path, load: Load) -> anyhow::Result<Index> {
    open_checked(path, load, Index::verify_checksums)
}

/// Opens an index and checks everything that docs/format.md says of it.
pub(crate) fn open_verified(path: &Path) -> anyhow::Result<Index> {
    open_checked(path, Load::Mapped, Index::verify)
}

fn open_checked(
    path: &Path,
    load: Load,
    check: impl Fn(&Index) -> Result<(), lykta::index::Error>,
) -> anyhow::Result<Index> {
    let index = open(path, load)?;
    check(&index).map_err(|error| {
        let named = format!("{}: {error}", Locator::from_path(path));
        anyhow::Error::new(error).context(named)
    })?;
    Ok(index)
}
