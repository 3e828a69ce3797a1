//! What is done so far, item by item, while a scan runs: what going on after a crash needs.
//!
//! A line is the start of the SHA-256 of its JSON, a space, and the JSON: first how the scan was asked for, then an item
//! each, as they come. Lines go to the system every 20 ms, so that is what a kill may cost, and to the disk
//! every 5 s. A last line without its end is dropped; any other that is not as it was written is an error.

use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::account::Account;
use crate::error::{Cause, Error};
use crate::record::{FORMAT_VERSION, Record, Unit};
use crate::report::chain::sha256;
use crate::report::output::{create_private, open_regular};

/// Its name in a report folder.
pub(crate) const JOURNAL: &str = "journal.partial";

const FLUSH_EVERY: Duration = Duration::from_millis(20);
const SYNC_EVERY: Duration = Duration::from_secs(5);
const BUFFER: usize = 64 << 10;

/// Digits of a digest in front of a line.
const DIGITS: usize = 16;

/// A journal being written. Locked as long as it is open.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    buffer: Vec<u8>,
    flushed: Instant,
    synced: Instant,
}

/// How a scan was asked for, as far as it decides what comes out: what must be the same to go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Asked {
    pub(crate) v: u32,
    /// Program, version, commit and target.
    pub(crate) program: Vec<String>,
    /// The paths scanned, and the folder that they are relative to.
    pub(crate) scanned: Vec<String>,
    pub(crate) folder: String,
    pub(crate) settings: Vec<String>,
    /// Digests of the indexes.
    pub(crate) indexes: Vec<String>,
    /// Digest of the file of disputed entries.
    pub(crate) disputes: Option<String>,
    pub(crate) case: Option<String>,
    pub(crate) operator: Option<String>,
    /// What the report consists of.
    pub(crate) report: Vec<String>,
}

impl Asked {
    /// What differs first, in words.
    pub(crate) fn difference(&self, before: &Self) -> Option<String> {
        let differences = [
            (self.v != before.v, "the version of the journal"),
            (self.program != before.program, "the version of this program"),
            (self.indexes != before.indexes, "the index"),
            (self.disputes != before.disputes, "the file of disputed entries"),
            (
                self.scanned != before.scanned || self.folder != before.folder,
                "the paths to be scanned, or the folder that this is run in",
            ),
        ];
        let others = [
            (self.case != before.case || self.operator != before.operator, "--case or --operator"),
            (self.report != before.report, "--report, --record, --lang or --redact-names"),
        ];
        let first = |differences: &[(bool, &str)]| {
            differences.iter().find_map(|(differs, what)| differs.then(|| (*what).to_owned()))
        };
        first(&differences).or_else(|| self.other_setting(before)).or_else(|| first(&others))
    }

    /// The first setting that only one of both has.
    fn other_setting(&self, before: &Self) -> Option<String> {
        let only = |one: &Self, other: &Self| {
            one.settings.iter().find(|setting| !other.settings.contains(setting)).cloned()
        };
        match (only(self, before), only(before, self)) {
            (None, None) => (self.settings != before.settings).then(|| "the settings".to_owned()),
            (Some(now), Some(then)) => Some(format!("a setting, {then} then and {now} now")),
            (Some(now), None) => Some(format!("a setting, {now}, which is given now and was not then")),
            (None, Some(then)) => Some(format!("a setting, {then}, which was given then and is not now")),
        }
    }
}

/// An item that is done.
#[derive(Serialize, Deserialize)]
pub(crate) struct Done<'j> {
    pub(crate) unit: Unit,
    /// Items in it.
    #[serde(default)]
    pub(crate) items: u64,
    pub(crate) locator: Cow<'j, [String]>,
    pub(crate) account: Account,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) finding: Option<&'j RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<&'j RawValue>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<&'j RawValue>,
}

/// The lines of one item in the files of a report.
pub(crate) struct Lines {
    pub(crate) finding: Option<String>,
    pub(crate) error: Option<String>,
    pub(crate) item: Option<String>,
}

impl Journal {
    /// Begins a journal in `dir`.
    pub(crate) fn create(dir: &Path, asked: &Asked) -> Result<Self, Error> {
        let path = dir.join(JOURNAL);
        let file = create_private(&path).map_err(Error::write(&path, "created"))?;
        let mut journal = Self::new(path, file)?;
        let begun = journal.push(asked).and_then(|()| journal.flush());
        begun.map_err(Error::write(&journal.path, "written"))?;
        Ok(journal)
    }

    fn new(path: PathBuf, file: File) -> Result<Self, Error> {
        // Where the system knows no locks, two scans at once are not found out.
        if let Err(std::fs::TryLockError::WouldBlock) = file.try_lock() {
            return Err(Cause::Running(path).into());
        }
        let now = Instant::now();
        Ok(Self { path, file, buffer: Vec::new(), flushed: now, synced: now })
    }

    /// Goes on with the journal in `dir`, of which each item is handed to `each`. None where nothing was begun.
    pub(crate) fn go_on(
        dir: &Path,
        asked: &Asked,
        mut each: impl FnMut(Done<'_>) -> io::Result<()>,
    ) -> Result<Option<Self>, Error> {
        let path = dir.join(JOURNAL);
        let mut options = OpenOptions::new();
        options.read(true).write(true);
        let file = match open_regular(&path, &mut options) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::write(&path, "opened")(error)),
        };
        let mut journal = Self::new(path, file)?;
        let mut whole = 0;
        let mut number = 0;
        let mut reader = BufReader::new(&journal.file);
        let mut line = Vec::new();
        loop {
            line.clear();
            let count = reader.read_until(b'\n', &mut line).map_err(Error::write(&journal.path, "read"))?;
            if line.pop_if(|last| *last == b'\n').is_none() {
                break;
            }
            number += 1;
            let spoiled = || Cause::SpoiledJournal { journal: journal.path.clone(), line: number };
            let json = checked(&line).ok_or_else(spoiled)?;
            if number == 1 {
                let before: Asked = serde_json::from_str(json).map_err(|_| spoiled())?;
                if let Some(what) = asked.difference(&before) {
                    return Err(Cause::AskedOtherwise(what).into());
                }
            } else {
                let done: Done<'_> = serde_json::from_str(json).map_err(|_| spoiled())?;
                if !done.account.is_sound() {
                    return Err(spoiled().into());
                }
                each(done).map_err(Error::write(dir, "written"))?;
            }
            whole += count as u64;
        }
        if number == 0 {
            return Ok(None);
        }
        let cut = journal.file.set_len(whole).and_then(|()| journal.file.seek(SeekFrom::Start(whole)));
        cut.map_err(Error::write(&journal.path, "written"))?;
        Ok(Some(journal))
    }

    /// Notes that an item is done, and its lines in the report.
    pub(crate) fn done(&mut self, record: &Record, account: Account, lines: &Lines) -> io::Result<()> {
        fn raw(line: &Option<String>) -> serde_json::Result<Option<&RawValue>> {
            line.as_deref().map(serde_json::from_str).transpose()
        }
        self.push(&Done {
            unit: record.unit,
            items: record.opened.map_or(0, |opened| opened.items),
            locator: Cow::Borrowed(&record.locator),
            account,
            finding: raw(&lines.finding)?,
            error: raw(&lines.error)?,
            item: raw(&lines.item)?,
        })?;
        if self.buffer.len() >= BUFFER || self.flushed.elapsed() >= FLUSH_EVERY {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands everything to the system.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.file.write_all(&self.buffer)?;
        self.buffer.clear();
        self.flushed = Instant::now();
        Ok(())
    }

    /// Whether it is time for [`Journal::sync`].
    pub(crate) fn is_sync_due(&self) -> bool {
        self.synced.elapsed() >= SYNC_EVERY
    }

    /// Waits for the disk. What is to be there before it has to be synced before it.
    pub(crate) fn sync(&mut self) -> io::Result<()> {
        self.flush()?;
        self.file.sync_data()?;
        self.synced = Instant::now();
        Ok(())
    }

    fn push(&mut self, line: &impl Serialize) -> io::Result<()> {
        let json = serde_json::to_string(line)?;
        self.buffer.extend_from_slice(&sha256(json.as_bytes()).as_bytes()[..DIGITS]);
        self.buffer.push(b' ');
        self.buffer.extend_from_slice(json.as_bytes());
        self.buffer.push(b'\n');
        Ok(())
    }
}

/// The JSON of a line, if that is as it was written.
fn checked(line: &[u8]) -> Option<&str> {
    let (digest, json) = (line.get(..DIGITS)?, line.get(DIGITS + 1..)?);
    let is_sound = line[DIGITS] == b' ' && sha256(json).as_bytes().starts_with(digest);
    str::from_utf8(json).ok().filter(|_| is_sound)
}

impl Asked {
    /// The version of the format.
    pub(crate) const VERSION: u32 = FORMAT_VERSION;
}
