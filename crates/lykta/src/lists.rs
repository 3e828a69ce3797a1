//! From a list to an index: the rows of the one become entries of the other.
//!
//! Three threads: one reads the list and makes entries of it, one adds them, one digests what was read.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::sync::mpsc;
use std::thread;

use lykta_hash::Kind;
use lykta_index::{Builder, NewEntry, Role, Source, SourceId};
use lykta_list::{Entry, Label, Position, ReadOptions, Reader, Reason, Row, Tally};
use thiserror::Error;

use crate::codes::{CodeCount, Codes, Decided};
use crate::digested_aside::DigestedAside;
use crate::entries::{ReadEntries, ReadList, ReadListError, each_entry};

/// Rows that are handed from one thread to the other at a time.
const BATCH_ROWS: usize = 1024;

/// Bytes of names after which a batch is handed over early: rows may be long.
const BATCH_BYTES: usize = 1 << 20;

/// Different codes that are counted at most; a list with more does not have categories.
const MOST_COUNTED: usize = 10_000;

/// How to take a list.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// The list's name in results: usually its file name.
    pub name: String,
    /// What a match with its entries means, where codes do not decide.
    pub role: Role,
    /// How to read it.
    pub read: ReadOptions,
    /// What the codes of categorised entries mean.
    pub codes: Codes,
    /// Take an ignore list although it classifies entries. A classified entry in an ignore list is
    /// mostly a mistake, and one that would hide what a scan is made to find.
    pub ignore_classified: bool,
    /// Take what there is of a list that was cut short.
    pub keep_partial: bool,
    /// The largest distance at which its entries match by likeness, in bits, when it has its own.
    pub near_radius: Option<u32>,
    /// The least PDQ quality at which its entries match by likeness, 0..=100, when it has its own.
    pub min_quality: Option<u8>,
}

/// What became of a list.
#[derive(Clone, Debug, Default)]
pub struct AddedList {
    /// Its rows.
    pub tally: Tally,
    /// The codes of its categorised entries, by scheme, version and code.
    pub codes: Vec<CodeCount>,
    /// Entries that hold in the end, where the list changes and deletes its own.
    pub living: Option<u64>,
    /// Why it is not complete, when it was cut short and [`ListOptions::keep_partial`] was given.
    pub cut_short: Option<String>,
}

/// Why a list could not be taken.
#[derive(Debug, Error)]
pub enum AddListError {
    /// The list cannot be read as one.
    #[error("{name}: {source}")]
    List {
        /// The list's name.
        name: String,
        /// What is wrong with it.
        source: lykta_list::Error,
    },
    /// An entry of an ignore list is classified.
    #[error(
        "{name}, {position}: an ignore list with a classified entry would hide what it classifies; \
         take it as a match list, or allow it with ignore_classified (--ignore-classified)"
    )]
    Classified {
        /// The list's name.
        name: String,
        /// Where the first such entry is.
        position: Position,
    },
    /// Entries have codes, and nobody said what they mean.
    #[error(
        "{name} sorts its entries by codes: say which of them are to be found, noted or ignored, with codes \
         (--codes 'match=... note=... ignore=...')"
    )]
    Undecided {
        /// The list's name.
        name: String,
        /// All of its codes.
        codes: Vec<CodeCount>,
    },
    /// More codes than a scheme can have.
    #[error(
        "{name}, {position}: more than {MOST_COUNTED} different codes: check which column holds the code"
    )]
    ManyCodes {
        /// The list's name.
        name: String,
        /// Where the first one too many is.
        position: Position,
    },
    /// What a list says last of its entries cannot be kept.
    #[error("what the list says of its entries cannot be kept: {0}")]
    Store(#[from] lykta_store::Error),
    /// The index cannot hold more.
    #[error(transparent)]
    Index(#[from] lykta_index::Error),
}

/// Adds every row of a list to an index under construction, in constant memory beside the index's.
///
/// The list's description in the index gets its digest and its counts. Perceptual hashes of entries that are
/// ignored are left out and counted, since such entries act on exact digests only.
///
/// # Errors
/// When the list cannot be read to its end, classifies entries and should be ignored, or has codes that
/// nobody decided on. The builder then holds a part of it and should be dropped.
pub fn add_list(
    builder: &mut Builder,
    options: &ListOptions,
    input: impl Read,
) -> Result<AddedList, AddListError> {
    thread::scope(|scope| add_read_list(builder, options, DigestedAside::new(scope, input)))
}

fn add_read_list(
    builder: &mut Builder,
    options: &ListOptions,
    mut input: DigestedAside<impl Read>,
) -> Result<AddedList, AddListError> {
    let list_error = |source| AddListError::List { name: options.name.clone(), source };
    let mut rows = Reader::new(&mut input, &options.read).map_err(list_error)?;
    let source = Source {
        name: options.name.clone(),
        role: options.role,
        format: rows.format().name().to_owned(),
        near_radius: options.near_radius,
        min_quality: options.min_quality,
        ..Source::default()
    };
    let id = builder.add_source(source);
    let mut adding = Adding::new(builder, options);
    let ReadList { tally, cut_short, living } = if rows.format().has_keys() {
        let how = ReadEntries { folder: options.read.folder.as_deref(), keep_partial: options.keep_partial };
        each_entry(&mut rows, how, |mut entry| adding.add(id, &mut entry)).map_err(|error| match error {
            ReadListError::List(source) => list_error(source),
            ReadListError::Store(error) => error.into(),
            ReadListError::Taker(error) => error,
        })?
    } else {
        add_rows(&mut rows, &mut adding, id)?
    };
    let Counted { codes, not_ignored } = adding.finish()?;
    let version = rows.version().unwrap_or_default();
    drop(rows);
    // What stands behind the last row belongs to the file all the same.
    let (sha256, bytes) =
        input.finish().map_err(|source| list_error(lykta_list::Error::Io { line: tally.rows, source }))?;
    let source = builder.source_mut(id);
    source.version = version;
    source.sha256 = sha256;
    source.bytes = bytes;
    source.is_partial = cut_short.is_some();
    fill_counts(source, &tally);
    source.dropped.extend(not_ignored);
    Ok(AddedList { tally, codes, cut_short, living })
}

/// What became of the rows, for the description of a list.
pub(crate) fn fill_counts(source: &mut Source, tally: &Tally) {
    let named = |counts: &BTreeMap<Reason, u64>| -> Vec<(String, u64)> {
        counts.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect()
    };
    source.rows = tally.rows;
    source.accepted = tally.accepted;
    source.deleted = tally.deleted;
    source.rejected = named(&tally.rejected);
    source.dropped = named(&tally.dropped);
}

/// Reads all rows here and adds them in another thread; returns why the list is not complete, when what
/// there is of it is to be kept.
fn add_rows(rows: &mut Reader<'_>, adding: &mut Adding<'_>, id: SourceId) -> Result<ReadList, AddListError> {
    let options = adding.options;
    thread::scope(|scope| {
        let (full, batches) = mpsc::sync_channel::<Vec<Row>>(2);
        // Rows go back to be freed where they were allocated: in another thread that takes as long as adding.
        let (used, empty) = mpsc::channel::<Vec<Row>>();
        let added = scope.spawn(move || {
            let mut tally = Tally::default();
            for mut batch in batches {
                for row in &mut batch {
                    tally.add(row);
                    if let Row::Accepted(entry) = row {
                        adding.add(id, entry)?;
                    }
                }
                let _ = used.send(batch);
            }
            Ok::<_, AddListError>(tally)
        });
        let mut rows = rows.up_to_cut(options.keep_partial);
        let mut read = || {
            let (mut batch, mut bytes) = (Vec::with_capacity(BATCH_ROWS), 0);
            for row in &mut rows {
                let row = row?;
                if let Row::Accepted(entry) = &row {
                    bytes += entry.name.as_ref().map_or(0, String::len);
                }
                batch.push(row);
                if batch.len() == BATCH_ROWS || bytes >= BATCH_BYTES {
                    bytes = 0;
                    let mut next = empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BATCH_ROWS));
                    next.clear();
                    if full.send(std::mem::replace(&mut batch, next)).is_err() {
                        // The other thread stopped: it says why.
                        return Ok(());
                    }
                }
            }
            // As above.
            let _ = full.send(batch);
            Ok(())
        };
        let read = read();
        drop(full);
        let tally = match added.join() {
            Ok(tally) => tally?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        read.map_err(|source| AddListError::List { name: options.name.clone(), source })?;
        Ok(ReadList { tally, cut_short: rows.cut_short(), living: None })
    })
}

/// Entries being added, with what is decided on their codes.
pub(crate) struct Adding<'b> {
    builder: &'b mut Builder,
    options: &'b ListOptions,
    codes: Vec<KnownCode<'b>>,
    /// Where in `codes` each stands, by scheme, version and code with a 0 between them.
    codes_by_name: HashMap<String, usize>,
    /// The name that is looked up; kept for its room.
    name: String,
    /// Whether some entry has a code that nobody decided on: then all that is still done is counting.
    is_undecided: bool,
    /// Perceptual hashes that were left out of ignored entries.
    not_ignored: BTreeMap<Kind, u64>,
}

/// A code that some entry has had, and what was decided on it.
struct KnownCode<'b> {
    counted: CodeCount,
    decided: Option<Decided<'b>>,
}

/// What was counted while adding.
pub(crate) struct Counted {
    pub(crate) codes: Vec<CodeCount>,
    /// Perceptual hashes of ignored entries, which were left out, by the name of the reason.
    pub(crate) not_ignored: Vec<(String, u64)>,
}

impl<'b> Adding<'b> {
    pub(crate) fn new(builder: &'b mut Builder, options: &'b ListOptions) -> Self {
        Self {
            builder,
            options,
            codes: Vec::new(),
            codes_by_name: HashMap::new(),
            name: String::new(),
            is_undecided: false,
            not_ignored: BTreeMap::new(),
        }
    }

    /// Adds a list that entries may be of.
    pub(crate) fn add_source(&mut self, source: Source) -> SourceId {
        self.builder.add_source(source)
    }

    /// Adds an entry. From one that is ignored its perceptual hashes are taken.
    pub(crate) fn add(&mut self, source: SourceId, entry: &mut Entry) -> Result<(), AddListError> {
        let (role, site) = self.decide(entry)?;
        if self.is_undecided {
            return Ok(());
        }
        if role == Role::Ignore {
            let not_ignored = &mut self.not_ignored;
            entry.hashes.retain(|hash| {
                let kind = hash.kind();
                if kind.is_perceptual() {
                    *not_ignored.entry(kind).or_default() += 1;
                }
                !kind.is_perceptual()
            });
        }
        self.builder.add(source, &new_entry(entry, role, site))?;
        Ok(())
    }

    /// The counts, unless some code is not decided on.
    pub(crate) fn finish(self) -> Result<Counted, AddListError> {
        let mut codes: Vec<CodeCount> = self.codes.into_iter().map(|known| known.counted).collect();
        codes.sort_by(|a, b| (&a.scheme, &a.version, &a.code).cmp(&(&b.scheme, &b.version, &b.code)));
        if self.is_undecided {
            return Err(AddListError::Undecided { name: self.options.name.clone(), codes });
        }
        let named = |(kind, count)| (format!("{kind}_in_ignore_list"), count);
        Ok(Counted { codes, not_ignored: self.not_ignored.into_iter().map(named).collect() })
    }

    /// What a match with the entry means, and what the site calls its code.
    fn decide(&mut self, entry: &Entry) -> Result<(Role, &'b str), AddListError> {
        let options = self.options;
        let Some(label) = &entry.label else { return Ok((options.role, "")) };
        if options.role == Role::Ignore {
            if !options.ignore_classified {
                let position = entry.position;
                return Err(AddListError::Classified { name: options.name.clone(), position });
            }
            return Ok((Role::Ignore, ""));
        }
        // A rule for any scheme does not reach the labels of a site's own lists: those have the list's role.
        if !entry.categorised && !options.codes.names_scheme_of(label) {
            return Ok((options.role, ""));
        }
        let known = self.known_code(label, entry.position)?;
        known.counted.count += 1;
        let decided = known.decided;
        self.is_undecided |= decided.is_none();
        Ok(decided.map_or((options.role, ""), |decided| (decided.role, decided.site)))
    }

    /// A label's code. Of a list with millions of entries it is looked up millions of times, so a code that was
    /// seen before takes no allocation.
    fn known_code(&mut self, label: &Label, position: Position) -> Result<&mut KnownCode<'b>, AddListError> {
        let Label { scheme, version, code, .. } = label;
        self.name.clear();
        for part in [scheme, "\0", version, "\0", code] {
            self.name.push_str(part);
        }
        let at = match self.codes_by_name.get(&self.name) {
            Some(at) => *at,
            None if self.codes.len() == MOST_COUNTED => {
                return Err(AddListError::ManyCodes { name: self.options.name.clone(), position });
            }
            None => {
                let decided = self.options.codes.decide(label);
                let counted = CodeCount {
                    scheme: scheme.clone(),
                    version: version.clone(),
                    code: code.clone(),
                    count: 0,
                    decided: decided.map(|decided| (decided.role, decided.breadth)),
                };
                self.codes.push(KnownCode { counted, decided });
                self.codes_by_name.insert(self.name.clone(), self.codes.len() - 1);
                self.codes.len() - 1
            }
        };
        Ok(&mut self.codes[at])
    }
}

fn new_entry<'a>(entry: &'a Entry, role: Role, site: &'a str) -> NewEntry<'a> {
    NewEntry {
        row: entry.row,
        name: entry.name.as_deref(),
        hashes: &entry.hashes,
        label: entry.label.as_ref().map(|label| lykta_index::Label {
            scheme: &label.scheme,
            version: &label.version,
            code: &label.code,
            series: &label.series,
            victim_identified: &label.victim_identified,
            site,
        }),
        view: entry.view.as_deref(),
        pdq_quality: entry.pdq_quality,
        photodna: entry.photodna.as_ref().map(lykta_hash::PhotoDna::as_bytes),
        role: Some(role),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lykta_hash::Digest;
    use lykta_index::{BuildOptions, Index};
    use sha2::{Digest as _, Sha256};

    const LIST: &str = "id,sha1,pdq,label_code\n\
        a,1111111111111111111111111111111111111111,\
        f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22,\n\
        b,1111111111111111111111111111111111111111,,\n\
        c,zz,,\n";

    fn options(role: Role) -> ListOptions {
        ListOptions { name: "list.csv".into(), role, ..ListOptions::default() }
    }

    #[test]
    fn an_index_says_of_a_list_what_reading_it_showed() {
        let mut builder = Builder::new(BuildOptions::default());
        let tally = add_list(&mut builder, &options(Role::Match), LIST.as_bytes()).unwrap().tally;
        assert_eq!((tally.rows, tally.accepted), (3, 2));
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        let source = &index.sources()[0];
        assert_eq!((source.rows, source.accepted, source.duplicates), (3, 2, 1));
        assert_eq!(source.rejected, [("bad_length".to_owned(), 1)]);
        assert_eq!(source.bytes, LIST.len() as u64);
        assert_eq!(source.sha256, <[u8; 32]>::from(Sha256::digest(LIST)));
        let found: Vec<_> = index.exact(&Digest::Sha1([0x11; 20])).map(|entry| entry.name).collect();
        assert_eq!(found, [Some("a"), Some("b")]);
        assert_eq!(index.hash_count(Kind::Pdq), 1);
    }

    /// An ignore list that suppressed near matches would hide changed copies of anything that looks
    /// like one of its entries.
    #[test]
    fn perceptual_hashes_of_an_ignore_list_are_left_out_and_counted() {
        let mut builder = Builder::new(BuildOptions::default());
        add_list(&mut builder, &options(Role::Ignore), LIST.as_bytes()).unwrap();
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        assert_eq!(index.hash_count(Kind::Pdq), 0);
        assert_eq!(index.sources()[0].dropped, [("pdq_in_ignore_list".to_owned(), 1)]);

        let list = "md5,phash,dhash\n11111111111111111111111111111111,0f,0123456789abcdef\n\
            22222222222222222222222222222222,,\n,0123456789abcdef,0123456789abcdef\n";
        let mut builder = Builder::new(BuildOptions::default());
        add_list(&mut builder, &options(Role::Ignore), list.as_bytes()).unwrap();
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        let expected = [("bad_length", 1), ("phash_in_ignore_list", 1), ("dhash_in_ignore_list", 2)];
        assert_eq!(index.sources()[0].dropped, expected.map(|(reason, count)| (reason.to_owned(), count)),);
        assert_eq!(index.hash_count(Kind::Phash) + index.hash_count(Kind::Dhash), 0);
    }

    #[test]
    fn a_classified_ignore_list_needs_a_word() {
        let list = "md5,label_code\n11111111111111111111111111111111,\n22222222222222222222222222222222,1\n";
        let mut options = options(Role::Ignore);
        let add = |options: &ListOptions| {
            add_list(&mut Builder::new(BuildOptions::default()), options, list.as_bytes())
        };
        assert!(matches!(add(&options), Err(AddListError::Classified { position: Position::Line(3), .. })));
        options.ignore_classified = true;
        assert!(add(&options).is_ok());
    }

    const CATEGORISED: &str = "id,md5,label_scheme,label_version,label_code\n\
        a,11111111111111111111111111111111,projectvic,US,1\n\
        b,22222222222222222222222222222222,projectvic,US,0\n\
        c,33333333333333333333333333333333,projectvic,US,\n";

    /// A list with categories in which 0 became "known good", or everything a match, would be worse than no
    /// list: what a code means is said, or the list is refused with its codes.
    #[test]
    fn a_categorised_list_needs_a_decision_on_each_code() {
        let add = |codes: &str| {
            let mut builder = Builder::new(BuildOptions::default());
            let codes = if codes.is_empty() { Codes::default() } else { codes.parse().unwrap() };
            let options = ListOptions { codes, ..options(Role::Match) };
            let added = add_list(&mut builder, &options, CATEGORISED.as_bytes())?;
            Ok::<_, AddListError>((added, Index::new(builder.into_bytes().unwrap()).unwrap()))
        };
        for codes in ["", "match=1", "match=1 ignore=0", "match=*", "ncmec: match=0,1,uncategorised"] {
            let Err(AddListError::Undecided { codes, .. }) = add(codes) else { panic!("{codes}: taken") };
            let counted: Vec<_> = codes.iter().map(|code| (code.describe(), code.count)).collect();
            let expected = ["uncategorised", "0 (Non-Pertinent)", "1 (Child Abuse Material (CAM))"];
            assert_eq!(counted, expected.map(|code| (code.to_owned(), 1)));
        }
        let (added, index) = add("match=1 ignore=0 note=uncategorised").unwrap();
        assert_eq!(added.tally.accepted, 3);
        let roles: Vec<_> = index.entries().map(|entry| entry.role).collect();
        assert_eq!(roles, [Role::Match, Role::Ignore, Role::Note]);
    }

    /// `match=1 ignore=0` is said of Project VIC's list, and the site's own list beside it has a 0 of its own.
    #[test]
    fn a_rule_for_any_scheme_leaves_the_labels_of_own_lists_alone() {
        let list = "md5,label_scheme,label_code\n11111111111111111111111111111111,own,0\n\
            22222222222222222222222222222222,,0\n";
        let roles = |codes: &str| {
            let mut builder = Builder::new(BuildOptions::default());
            let options = ListOptions { codes: codes.parse().unwrap(), ..options(Role::Match) };
            let added = add_list(&mut builder, &options, list.as_bytes()).unwrap();
            let index = Index::new(builder.into_bytes().unwrap()).unwrap();
            (index.entries().map(|entry| entry.role).collect::<Vec<_>>(), added.codes.len())
        };
        assert_eq!(roles("match=1 ignore=0"), (vec![Role::Match; 2], 0));
        assert_eq!(roles("own: note=0"), (vec![Role::Note, Role::Match], 1));
    }

    #[test]
    fn a_list_that_was_cut_is_kept_on_demand_only_and_marked() {
        let list = "md5,path\n11111111111111111111111111111111,a\n22222222222222222222222222222222,\"b";
        let mut options = options(Role::Match);
        let mut builder = Builder::new(BuildOptions::default());
        let error = add_list(&mut builder, &options, list.as_bytes()).unwrap_err();
        assert!(matches!(error, AddListError::List { source, .. } if source.is_truncated()));
        options.keep_partial = true;
        let mut builder = Builder::new(BuildOptions::default());
        let added = add_list(&mut builder, &options, list.as_bytes()).unwrap();
        assert_eq!((added.tally.rows, added.cut_short.is_some()), (1, true));
        let index = Index::new(builder.into_bytes().unwrap()).unwrap();
        assert!(index.sources()[0].is_partial && index.sources()[0].bytes == list.len() as u64);
    }
}
