//! Deliveries of a list: files taken into a store, and indexes made of it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use lykta_index::{Builder, Role, Source, SourceId};
use lykta_list::{Format, ReadOptions, Reader, Tally};
use lykta_store::{FileDescription, FileId, ListDescription, Store, StoredEntry, StoredFile};
use thiserror::Error;

use crate::codes::CodeCount;
use crate::digesting::Digesting;
use crate::lists::{AddListError, Adding, Counted, ListOptions, fill_counts};

/// A file to be taken into a store.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name in results.
    pub name: String,
    /// The file: read twice, for its digest and for its rows.
    pub path: PathBuf,
    /// How to read it.
    pub read: ReadOptions,
    /// Take what there is of it when it was cut short.
    pub keep_partial: bool,
}

/// What became of a file.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// Its name in results.
    pub name: String,
    /// The format it was read as.
    pub format: Format,
    /// Its rows.
    pub tally: Tally,
    /// Why it is not complete, when it was cut short and was to be kept all the same.
    pub cut_short: Option<String>,
}

/// What became of files that were taken.
#[derive(Clone, Debug)]
pub struct Taken {
    /// The files.
    pub files: Vec<Delivered>,
    /// Entries that counted before.
    pub before: u64,
    /// Entries that were deleted, or that the whole list does not have.
    pub ended: u64,
    /// Deletions of entries that were not there.
    pub deleted_nothing: u64,
}

/// Why files could not be taken. Nothing of any of them was.
#[derive(Debug, Error)]
pub enum DeliveryError {
    /// A file cannot be read.
    #[error("cannot read {name}: {source}; check its path and permissions")]
    Io {
        /// Its name.
        name: String,
        /// What the system says.
        source: io::Error,
    },
    /// A file is not a list.
    #[error("{name}: {source}")]
    List {
        /// Its name.
        name: String,
        /// What is wrong with it.
        source: lykta_list::Error,
    },
    /// A file was changed while it was read.
    #[error("{name} was changed while it was read: give the command again when nobody writes to it")]
    Changed {
        /// Its name.
        name: String,
    },
    /// A file of a whole list was cut short: what it lacks would count no longer.
    #[error(
        "{name} was cut short ({cut_short}), so it is no whole list: get it again, or take it without --whole"
    )]
    CutShort {
        /// Its name.
        name: String,
        /// Where it ends.
        cut_short: String,
    },
    /// A file that says what has changed was given as a whole list.
    #[error("{name} says what has changed and is no whole list: take it without --whole")]
    Delta {
        /// Its name.
        name: String,
    },
    /// A file in a format that the list's files were not in: a file of another list.
    #[error(
        "{name} is {format} and this list is {before}: it belongs to another list, into a store of its own"
    )]
    OtherFormat {
        /// Its name.
        name: String,
        /// Its format.
        format: Format,
        /// A format of the list's files.
        before: Format,
    },
    /// A file that says what has changed since a release that the store does not have.
    #[error(
        "{name} says what has changed in a release of the list: take the full release (nsrl-sqlite) first"
    )]
    NoRelease {
        /// Its name.
        name: String,
    },
    /// Of a whole list nothing would be left.
    #[error("no row was accepted, so this is no whole list: see what it is with `lykta list inspect`")]
    NothingAccepted,
    /// The store says no.
    #[error(transparent)]
    Store(#[from] lykta_store::Error),
}

/// Takes files into a store, all or none. With `are_whole` they are the whole list: what none of them names
/// counts no longer. What the list is called and whether it is an ignore list is kept, as `options` say it. `wrap`
/// sees each file both times that it is read, for progress.
///
/// # Errors
/// [`DeliveryError`]; the store is then as it was.
pub fn deliver<R: Read>(
    store: &mut Store,
    options: &ListOptions,
    deliveries: &[Delivery],
    are_whole: bool,
    wrap: impl Fn(File) -> R,
) -> Result<Taken, DeliveryError> {
    let before = store.count()?;
    let mut formats: Vec<Format> = store.files()?.into_iter().map(|file| file.description.format).collect();
    let mut transaction = if are_whole { store.begin_whole()? } else { store.begin()? };
    transaction.describe_list(&ListDescription {
        name: options.name.clone(),
        is_ignore: options.role == Role::Ignore,
        ignore_classified: options.ignore_classified,
    })?;
    let mut delivered = Vec::new();
    for Delivery { name, path, read, keep_partial } in deliveries {
        let io = |source| DeliveryError::Io { name: name.clone(), source };
        let list = |source| DeliveryError::List { name: name.clone(), source };
        let (sha256, bytes) = digest(wrap(File::open(path).map_err(io)?)).map_err(io)?;
        let mut input = Digesting::new(wrap(File::open(path).map_err(io)?));
        let mut reader = Reader::new(&mut input, read).map_err(list)?;
        let format = reader.format();
        if are_whole && format == Format::NsrlSql {
            return Err(DeliveryError::Delta { name: name.clone() });
        }
        if let Some(before) = formats.iter().find(|before| family(**before) != family(format)) {
            return Err(DeliveryError::OtherFormat { name: name.clone(), format, before: *before });
        }
        if format == Format::NsrlSql && !formats.contains(&Format::NsrlSqlite) {
            return Err(DeliveryError::NoRelease { name: name.clone() });
        }
        formats.push(format);
        let description = FileDescription { name: name.clone(), format, version: None, sha256, bytes };
        let file = transaction.add_file(&description)?;
        let mut tally = Tally::default();
        let mut rows = reader.up_to_cut(*keep_partial);
        for row in &mut rows {
            let row = row.map_err(list)?;
            tally.add(&row);
            transaction.apply(file, &row)?;
        }
        let cut_short = rows.cut_short();
        if let Some(cut_short) = cut_short.as_ref().filter(|_| are_whole) {
            return Err(DeliveryError::CutShort { name: name.clone(), cut_short: cut_short.clone() });
        }
        transaction.finish_file(file, reader.version().as_deref(), cut_short.as_deref(), &tally)?;
        drop(reader);
        io::copy(&mut input, &mut io::sink()).map_err(io)?;
        if (input.sha256(), Digesting::bytes(&input)) != (sha256, bytes) {
            return Err(DeliveryError::Changed { name: name.clone() });
        }
        delivered.push(Delivered { name: name.clone(), format, tally, cut_short });
    }
    if are_whole && delivered.iter().all(|file| file.tally.accepted == 0) {
        return Err(DeliveryError::NothingAccepted);
    }
    let lykta_store::Committed { ended, deleted_nothing } = transaction.commit()?;
    Ok(Taken { files: delivered, before, ended, deleted_nothing })
}

/// What stands for the formats that one list may come in. Keys of one are nothing to another.
fn family(format: Format) -> Option<Format> {
    match format {
        Format::NsrlSqlite | Format::NsrlSql => Some(Format::NsrlSqlite),
        format => format.has_keys().then_some(format),
    }
}

fn digest(file: impl Read) -> io::Result<([u8; 32], u64)> {
    let mut file = Digesting::new(file);
    io::copy(&mut file, &mut io::sink())?;
    Ok((file.sha256(), Digesting::bytes(&file)))
}

/// What of a store goes into an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StorePart {
    /// Everything that counts: a base.
    All,
    /// What is new or otherwise since the base, and retractions of what counts no longer.
    Additions,
}

/// What went into an index.
#[derive(Clone, Debug, Default)]
pub struct AddedStore {
    /// Entries.
    pub entries: u64,
    /// Retractions.
    pub retractions: u64,
    /// The codes of categorised entries.
    pub codes: Vec<CodeCount>,
    /// Perceptual hashes of ignored entries, which were left out, by the name of the reason.
    pub dropped: Vec<(String, u64)>,
}

/// Adds a store to an index under construction: each of its files is a source of the name that `options` give
/// the list, so that a match names the file and the row that say so. Of additions only those are that have entries
/// here or were cut short, and else the newest.
///
/// # Errors
/// As [`add_list`](crate::add_list), and when the store cannot be read or has lost entries.
pub fn add_store(
    builder: &mut Builder,
    store: &mut Store,
    part: StorePart,
    options: &ListOptions,
) -> Result<AddedStore, AddListError> {
    store.check_count()?;
    let mut added = AddedStore::default();
    let mut files = Files::of(store, options)?;
    let counted = match part {
        StorePart::All => {
            files.add(builder, |_, _| true);
            files.add_entries(Adding::new(builder, options), store.all()?, &mut added.entries)?
        }
        StorePart::Additions => {
            let additions = store.additions()?;
            for name in additions.retractions() {
                builder.retract(&options.name, &name?)?;
                added.retractions += 1;
            }
            let newest = files.waiting.last_key_value().map(|(file, _)| *file);
            let adding = Adding::new(builder, options);
            let counted = files.add_entries(adding, additions.entries(), &mut added.entries)?;
            files.add(builder, |_, source| source.is_partial);
            if files.added.is_empty() {
                files.add(builder, |file, _| Some(file) == newest);
            }
            counted
        }
    };
    let Counted { codes, not_ignored } = counted;
    // Of which file each was is not counted; the index as a whole says it.
    if let Some((_, last)) = files.added.last_key_value() {
        builder.source_mut(*last).dropped.extend(not_ignored.iter().cloned());
    }
    (added.codes, added.dropped) = (codes, not_ignored);
    Ok(added)
}

/// The files of a store as sources of an index.
struct Files {
    /// Those that are none yet.
    waiting: BTreeMap<FileId, Source>,
    added: BTreeMap<FileId, SourceId>,
}

impl Files {
    fn of(store: &Store, options: &ListOptions) -> Result<Self, lykta_store::Error> {
        let source = |file: StoredFile| {
            let description = file.description;
            let mut source = Source {
                name: options.name.clone(),
                role: options.role,
                format: description.format.name().to_owned(),
                version: description.version.unwrap_or_default(),
                sha256: description.sha256,
                bytes: description.bytes,
                is_partial: file.cut_short.is_some(),
                near_radius: options.near_radius,
                min_quality: options.min_quality,
                ..Source::default()
            };
            fill_counts(&mut source, &file.tally.unwrap_or_default());
            (file.id, source)
        };
        Ok(Self { waiting: store.files()?.into_iter().map(source).collect(), added: BTreeMap::new() })
    }

    /// Makes sources of those of the others that are wanted.
    fn add(&mut self, builder: &mut Builder, is_wanted: impl Fn(FileId, &Source) -> bool) {
        for (file, source) in std::mem::take(&mut self.waiting) {
            if is_wanted(file, &source) {
                self.added.insert(file, builder.add_source(source));
            } else {
                self.waiting.insert(file, source);
            }
        }
    }

    /// Adds entries, and those of the files that they are of.
    fn add_entries(
        &mut self,
        mut adding: Adding<'_>,
        entries: impl Iterator<Item = Result<StoredEntry, lykta_store::Error>>,
        count: &mut u64,
    ) -> Result<Counted, AddListError> {
        for stored in entries {
            let StoredEntry { file, mut entry } = stored?;
            let source = match self.added.get(&file) {
                Some(source) => *source,
                None => {
                    let source = self.waiting.remove(&file).ok_or(lykta_store::Error::NoSuchFile)?;
                    let source = adding.add_source(source);
                    self.added.insert(file, source);
                    source
                }
            };
            adding.add(source, &mut entry)?;
            *count += 1;
        }
        adding.finish()
    }
}
