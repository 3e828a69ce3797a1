//! The entries of a list that hold in the end: some lists change and delete what they said before.

use std::path::Path;

use lykta_list::{Entry, Reader, Row, Tally};
use lykta_store::{FileDescription, Store};
use thiserror::Error;

/// How to read entries.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadEntries<'p> {
    /// Where a temporary store may be made; the system's folder for them when not given.
    pub folder: Option<&'p Path>,
    /// Take what there is of a list that was cut short.
    pub keep_partial: bool,
}

/// What became of a list's rows.
#[derive(Clone, Debug, Default)]
pub struct ReadList {
    /// The rows.
    pub tally: Tally,
    /// Entries that hold in the end, where the list changes and deletes its own.
    pub living: Option<u64>,
    /// Why it is not complete, when it was cut short and was to be kept all the same.
    pub cut_short: Option<String>,
}

/// Why entries could not be read, or whoever takes them could not.
#[derive(Debug, Error)]
pub enum ReadListError<E> {
    /// The list cannot be read.
    #[error(transparent)]
    List(lykta_list::Error),
    /// What a list says of its entries cannot be kept.
    #[error("what the list says of its entries cannot be kept: {0}")]
    Store(#[from] lykta_store::Error),
    /// Who takes them failed.
    #[error("{0}")]
    Taker(E),
}

/// Gives each entry that holds in the end to `take`, in the order of rows. In a list whose entries have keys
/// they wait in a temporary store until the last row, since the last word on an entry may come late and lists
/// are long; entries come without their keys then.
///
/// # Errors
/// [`ReadListError`]. Entries may have been taken before.
pub fn each_entry<E>(
    rows: &mut Reader<'_>,
    how: ReadEntries<'_>,
    mut take: impl FnMut(Entry) -> Result<(), E>,
) -> Result<ReadList, ReadListError<E>> {
    if !rows.format().has_keys() {
        return each_row(rows, how, |row| match row {
            Row::Accepted(entry) => take(entry).map_err(ReadListError::Taker),
            Row::Rejected(_) | Row::Deleted(_) => Ok(()),
        });
    }
    let system = std::env::temp_dir();
    let mut store = Store::temporary(how.folder.unwrap_or(&system))?;
    let mut transaction = store.begin()?;
    let (name, format) = (String::new(), rows.format());
    let file = FileDescription { name, format, version: None, sha256: [0; 32], bytes: 0 };
    let file = transaction.add_file(&file)?;
    let mut read = each_row(rows, how, |row| Ok(transaction.apply(file, &row)?))?;
    transaction.commit()?;
    let mut living = 0;
    for stored in store.all()? {
        take(stored?.entry).map_err(ReadListError::Taker)?;
        living += 1;
    }
    read.living = Some(living);
    Ok(read)
}

fn each_row<E>(
    rows: &mut Reader<'_>,
    how: ReadEntries<'_>,
    mut take: impl FnMut(Row) -> Result<(), ReadListError<E>>,
) -> Result<ReadList, ReadListError<E>> {
    let mut read = ReadList::default();
    let mut rows = rows.up_to_cut(how.keep_partial);
    for row in &mut rows {
        let row = row.map_err(ReadListError::List)?;
        read.tally.add(&row);
        take(row)?;
    }
    read.cut_short = rows.cut_short();
    Ok(read)
}
