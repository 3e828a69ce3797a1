//! From a list to an index: the rows of the one become entries of the other.

use std::collections::BTreeMap;
use std::io::Read;

use lykta_hash::{Hash, Kind};
use lykta_index::{Builder, Label, NewEntry, Role, Source};
use lykta_list::{Entry, Format, Position, ReadOptions, Reader, Row, Tally};
use thiserror::Error;

use crate::digesting::Digesting;

/// How to take a list.
#[derive(Clone, Debug, Default)]
pub struct ListOptions {
    /// The list's name in results: usually its file name.
    pub name: String,
    /// What a match with its entries means.
    pub role: Role,
    /// The format, when it should not be recognised by content.
    pub format: Option<Format>,
    /// Take an ignore list although it classifies entries. A classified entry in an ignore list is
    /// mostly a mistake, and one that would hide what a scan is made to find.
    pub ignore_classified: bool,
    /// The largest distance at which its entries match by likeness, in bits, when it has its own.
    pub near_radius: Option<u32>,
    /// The least PDQ quality at which its entries match by likeness, 0..=100, when it has its own.
    pub min_quality: Option<u8>,
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
    /// The index cannot hold more.
    #[error(transparent)]
    Index(#[from] lykta_index::Error),
}

/// Adds every row of a list to an index under construction, in constant memory beside the index's.
///
/// The list's description in the index gets its digest and its counts. Perceptual hashes of an ignore list
/// are left out and counted, since such a list acts on exact digests only.
///
/// # Errors
/// When the list cannot be read to its end, or classifies entries and should be ignored. The
/// builder then holds a part of it and should be dropped.
pub fn add_list(
    builder: &mut Builder,
    options: &ListOptions,
    input: impl Read,
) -> Result<Tally, AddListError> {
    let list_error = |source| AddListError::List { name: options.name.clone(), source };
    let mut input = Digesting::new(input);
    let read_options = ReadOptions { format: options.format, ..ReadOptions::default() };
    let mut rows = Reader::new(&mut input, &read_options).map_err(list_error)?;
    let format = rows.format().name().to_owned();
    let source = Source {
        name: options.name.clone(),
        role: options.role,
        format,
        near_radius: options.near_radius,
        min_quality: options.min_quality,
        ..Source::default()
    };
    let id = builder.add_source(source);
    let mut tally = Tally::default();
    let mut not_ignored: BTreeMap<Kind, u64> = BTreeMap::new();
    for row in &mut rows {
        let row = row.map_err(list_error)?;
        tally.add(&row);
        let Row::Accepted(mut entry) = row else { continue };
        if options.role == Role::Ignore {
            if entry.label.is_some() && !options.ignore_classified {
                return Err(AddListError::Classified {
                    name: options.name.clone(),
                    position: entry.position,
                });
            }
            entry.hashes.retain(|hash| {
                let kind = hash.kind();
                if kind.is_perceptual() {
                    *not_ignored.entry(kind).or_default() += 1;
                }
                !kind.is_perceptual()
            });
        }
        builder.add(id, &new_entry(&entry, &entry.hashes))?;
    }
    drop(rows);
    let source = builder.source_mut(id);
    source.sha256 = input.sha256();
    source.bytes = Digesting::bytes(&input);
    source.rows = tally.rows;
    source.accepted = tally.accepted;
    source.rejected =
        tally.rejected.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect();
    source.dropped = tally.dropped.iter().map(|(reason, count)| (reason.name().to_owned(), *count)).collect();
    let not_ignored = not_ignored.into_iter().map(|(kind, count)| (format!("{kind}_in_ignore_list"), count));
    source.dropped.extend(not_ignored);
    Ok(tally)
}

fn new_entry<'a>(entry: &'a Entry, hashes: &'a [Hash]) -> NewEntry<'a> {
    NewEntry {
        row: entry.row,
        name: entry.name.as_deref(),
        hashes,
        label: entry.label.as_ref().map(|label| Label {
            scheme: &label.scheme,
            version: &label.version,
            code: &label.code,
            series: &label.series,
        }),
        view: entry.view.as_deref(),
        pdq_quality: entry.pdq_quality,
        role: None,
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
        let tally = add_list(&mut builder, &options(Role::Match), LIST.as_bytes()).unwrap();
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
}
