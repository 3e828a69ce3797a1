//! What is asked at a time: opened indexes and disputes, all of one moment.
//!
//! A generation never changes. A newer file makes a newer generation, which shares what is unchanged with the one
//! before; the older ends with the last worker that uses it.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, Metadata};
use std::num::NonZeroUsize;
#[cfg(target_os = "linux")]
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use jiff::Timestamp;
use lykta::hash::text::to_hex;
use lykta::scan::{Confinement, EntrySet, Isolation};
use lykta::source::Locator;
use lykta::{EntryPair, EntryPairs, Index, Kind, Options, Role, Scanner, media};
use serde::Serialize;

use crate::config::{Config, Verify};

/// The bytes of an opened index file, which generations share.
#[derive(Clone)]
pub(crate) struct Shared(Arc<Index>);

impl AsRef<[u8]> for Shared {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// A scanner over the indexes of a generation.
pub(crate) type Asked<'g> = Scanner<'g, Shared>;

/// What tells whether the file at a path is another than before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    place: (u64, u64),
    bytes: u64,
    modified: Option<std::time::SystemTime>,
}

impl Identity {
    /// Of the file at `path`; none where there is none.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().as_ref().map(Self::new)
    }

    fn new(metadata: &Metadata) -> Self {
        #[cfg(unix)]
        let place = {
            use std::os::unix::fs::MetadataExt;
            (metadata.dev(), metadata.ino())
        };
        #[cfg(not(unix))]
        let place = (0, 0);
        Self { place, bytes: metadata.len(), modified: metadata.modified().ok() }
    }
}

/// An index file, open.
#[derive(Clone)]
struct OpenedFile {
    path: PathBuf,
    identity: Identity,
    shared: Shared,
    /// For workers, who open it anew: another file may have its place by then.
    #[cfg(target_os = "linux")]
    handle: Arc<File>,
}

impl OpenedFile {
    /// Opens and checks it.
    fn open(path: &Path, config: &Config) -> Result<Self, String> {
        for _ in 0..MOST_TRIES {
            let before = Identity::of(path);
            let shared = open_index(path, config)?;
            let handle = File::open(path).and_then(|file| Ok((Identity::new(&file.metadata()?), file)));
            if let (Some(before), Ok((identity, handle))) = (before, handle)
                && before == identity
            {
                return Ok(Self {
                    path: path.to_owned(),
                    identity,
                    shared,
                    #[cfg(target_os = "linux")]
                    handle: Arc::new(handle),
                });
            }
        }
        let shown = Locator::from_path(path);
        Err(format!("{shown} is replaced while it is opened, again and again; replace it less often"))
    }

    /// Where other processes find this file.
    fn path_for_workers(&self) -> PathBuf {
        #[cfg(target_os = "linux")]
        return format!("/proc/{}/fd/{}", std::process::id(), self.handle.as_raw_fd()).into();
        #[cfg(not(target_os = "linux"))]
        return self.path.clone();
    }
}

/// How often a file is opened that is another one when it is open.
const MOST_TRIES: u32 = 5;

/// Indexes and disputes of one moment.
pub(crate) struct Generation {
    pub(crate) number: u64,
    pub(crate) indexes: Vec<Index<Shared>>,
    pub(crate) disputed: Arc<EntrySet>,
    pub(crate) banks: Banks,
    /// Tells this generation from others with other content, and says nothing of it.
    pub(crate) digest: String,
    pub(crate) since: Timestamp,
    files: Vec<OpenedFile>,
    _alive: Alive,
}

impl Generation {
    /// Opens and checks what is new, and takes the rest from the generation before.
    pub(crate) fn open(
        config: &Config,
        before: Option<&Self>,
        alive: &Arc<AtomicUsize>,
    ) -> Result<Self, String> {
        let mut files = Vec::with_capacity(config.index.len());
        for path in &config.index {
            let identity = Identity::of(path);
            let unchanged = before
                .and_then(|before| before.files.iter().find(|file| file.path == *path))
                .filter(|file| Some(file.identity) == identity);
            files.push(match unchanged {
                Some(file) => file.clone(),
                None => OpenedFile::open(path, config)?,
            });
        }
        let indexes = files.iter().map(|file| Index::new(file.shared.clone()));
        let indexes: Vec<Index<Shared>> =
            indexes.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        let (disputed, disputes_sha256) = match &config.dispute {
            Some(path) => read_disputes(path)?,
            None => (EntrySet::default(), [0; 32]),
        };
        let mut digest = blake3::Hasher::new();
        indexes.iter().for_each(|index| _ = digest.update(&index.checksum()));
        digest.update(&disputes_sha256);
        let digest = to_hex(&digest.finalize().as_bytes()[..8]);
        let generation = Self {
            number: before.map_or(1, |before| before.number + 1),
            banks: Banks::new(&indexes),
            indexes,
            disputed: Arc::new(disputed),
            digest,
            since: Timestamp::now(),
            files,
            _alive: Alive::new(alive),
        };
        generation.try_out(config)?;
        Ok(generation)
    }

    /// A scanner over it; its pictures are decoded by other processes if `isolated`.
    ///
    /// # Errors
    /// When no such process can be started.
    pub(crate) fn scanner(&self, config: &Config, isolated: bool) -> Result<Asked<'_>, String> {
        let scanner = Scanner::with_indexes(&self.indexes, self.options(config));
        if !isolated {
            return Ok(scanner);
        }
        let time = config.limits.request_time();
        let paths = self.files.iter().map(OpenedFile::path_for_workers).collect();
        let isolation = Isolation { seconds: time.as_secs(), silence: 2 * time, ..Isolation::new(paths) };
        scanner.isolated(isolation).map_err(|error| {
            format!("{error}: `isolate = false` in the configuration decodes in the service")
        })
    }

    /// Tells what a user must know of what is compared, and whether it can be.
    fn try_out(&self, config: &Config) -> Result<(), String> {
        let scanner = self.scanner(config, config.isolate)?;
        let confined = scanner.confinement().and_then(Confinement::note);
        for note in scanner.near_matching().note().into_iter().chain(confined) {
            tracing::warn!("{note}");
        }
        Ok(())
    }

    fn options(&self, config: &Config) -> Options {
        let (matching, limits) = (&config.matching, &config.limits);
        Options {
            jobs: NonZeroUsize::MIN,
            near: matching.near,
            radius: matching.radius,
            phash_radius: matching.phash_radius,
            dhash_radius: matching.dhash_radius,
            min_quality: matching.min_quality,
            band: matching.band.into(),
            disputed: Arc::clone(&self.disputed),
            memory: limits.picture_bytes,
            limits: media::Limits { max_pixels: limits.pixels, max_memory: limits.picture_bytes },
            // A request is a picture or a hash: what lies in other files is for a scan.
            containers: None,
            ..Options::default()
        }
    }

    /// Hashes of a kind in all indexes.
    pub(crate) fn hash_count(&self, kind: Kind) -> u64 {
        self.indexes.iter().map(|index| index.hash_count(kind)).sum()
    }

    pub(crate) fn entry_count(&self) -> u64 {
        self.indexes.iter().map(Index::entry_count).sum()
    }
}

/// Counts generations that still use memory.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, SeqCst);
    }
}

fn open_index(path: &Path, config: &Config) -> Result<Shared, String> {
    let opened = if config.preload { Index::preload(path) } else { Index::open(path) };
    let index = opened.map_err(|error| match std::error::Error::source(&error) {
        Some(_) => format!("{error}; check the path, or build an index with `lykta index build`"),
        None => error.to_string(),
    })?;
    let checked = match config.verify {
        Verify::Checksums => index.verify_checksums(),
        Verify::Full => index.verify(),
    };
    checked.map_err(|error| format!("{}: {error}", Locator::from_path(path)))?;
    Ok(Shared(Arc::new(index)))
}

fn read_disputes(path: &Path) -> Result<(EntrySet, [u8; 32]), String> {
    let shown = Locator::from_path(path);
    let file = File::open(path).map_err(|error| {
        format!("cannot open the disputed entries {shown}: {error}; check its path and permissions")
    })?;
    let read = || {
        let mut pairs = EntryPairs::new(file)?;
        let mut entries = EntrySet::default();
        for pair in &mut pairs {
            let EntryPair { list, entry } = pair?;
            entries.insert(list, entry);
        }
        Ok((entries, pairs.sha256()))
    };
    read().map_err(|error: lykta::EntryPairsError| format!("{shown}: {error}"))
}

/// Lists by the names that HMA's clients know them under, and numbers for their entries.
pub(crate) struct Banks {
    names: HashMap<String, String>,
    numbers: HashMap<(String, [u8; 32]), u64>,
}

/// Bits of the number of a row in the number of a bank's content.
const ROW_BITS: u32 = 32;

impl Banks {
    fn new(indexes: &[Index<Shared>]) -> Self {
        let (mut names, mut numbers) = (HashMap::new(), HashMap::new());
        let mut taken = BTreeMap::<String, u32>::new();
        for source in indexes.iter().flat_map(|index| index.sources()) {
            let next = numbers.len() as u64;
            numbers.entry((source.name.clone(), source.sha256)).or_insert(next);
            if !names.contains_key(&source.name) {
                let mut bank = bank_name(&source.name);
                let times = taken.entry(bank.clone()).and_modify(|times| *times += 1).or_insert(1);
                if *times > 1 {
                    bank = format!("{bank}__{times}");
                }
                names.insert(source.name.clone(), bank);
            }
        }
        Self { names, numbers }
    }

    /// The bank that a list is.
    pub(crate) fn name<'b>(&'b self, list: &'b str) -> &'b str {
        self.names.get(list).map_or(list, String::as_str)
    }

    /// Whether there is such a bank.
    pub(crate) fn has(&self, bank: &str) -> bool {
        self.names.values().any(|name| name == bank)
    }

    /// A number for an entry: that of its row for those of the first list, and the list's number above it for
    /// others.
    pub(crate) fn content_id(&self, list: &str, sha256: &[u8; 32], row: u64) -> u64 {
        let number = self.numbers.get(&(list.to_owned(), *sha256)).copied().unwrap_or_default();
        number << ROW_BITS | row
    }
}

/// Capital letters, digits and `_`, as HMA's banks are called; whatever else there is becomes `_`.
fn bank_name(list: &str) -> String {
    let word = |letter: char| match letter.to_ascii_uppercase() {
        letter if letter.is_ascii_uppercase() || letter.is_ascii_digit() => letter,
        _ => '_',
    };
    list.chars().map(word).collect()
}

/// What `GET /v1/index` says.
#[derive(Serialize)]
pub(crate) struct Described<'g> {
    index: &'g str,
    since: String,
    entries: u64,
    disputed: usize,
    hashes: BTreeMap<&'static str, u64>,
    files: Vec<DescribedFile<'g>>,
}

#[derive(Serialize)]
struct DescribedFile<'g> {
    checksum: String,
    bytes: u64,
    entries: u64,
    written_by: &'g str,
    lists: Vec<DescribedList<'g>>,
}

#[derive(Serialize)]
struct DescribedList<'g> {
    name: &'g str,
    bank: &'g str,
    version: &'g str,
    role: &'static str,
    format: &'g str,
    sha256: String,
    accepted: u64,
    rejected: u64,
    partial: bool,
}

impl Generation {
    pub(crate) fn describe(&self) -> Described<'_> {
        let counts = Kind::ALL.into_iter().map(|kind| (kind.name(), self.hash_count(kind)));
        let files = self.indexes.iter().map(|index| DescribedFile {
            checksum: to_hex(&index.checksum()),
            bytes: index.byte_len(),
            entries: index.entry_count(),
            written_by: index.written_by(),
            lists: index.sources().iter().map(|source| self.describe_list(source)).collect(),
        });
        Described {
            index: &self.digest,
            since: self.since.to_string(),
            entries: self.entry_count(),
            disputed: self.disputed.len(),
            hashes: counts.filter(|(_, count)| *count > 0).collect(),
            files: files.collect(),
        }
    }

    fn describe_list<'g>(&'g self, source: &'g lykta::index::Source) -> DescribedList<'g> {
        DescribedList {
            name: &source.name,
            bank: self.banks.name(&source.name),
            version: &source.version,
            role: Role::name(source.role),
            format: &source.format,
            sha256: to_hex(&source.sha256),
            accepted: source.accepted,
            rejected: source.rejected.iter().map(|(_, rows)| rows).sum(),
            partial: source.is_partial,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_a_bank_of_letters_digits_and_lines() {
        assert_eq!(bank_name("known-2026.csv"), "KNOWN_2026_CSV");
        assert_eq!(bank_name("Bilder ö"), "BILDER__");
    }
}
