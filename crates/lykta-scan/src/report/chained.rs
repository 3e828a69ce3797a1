//! A file of events: a JSON line each, with the digest of the line before.
//!
//! Altering, removing or inserting a line shows in the next one. Whoever can write the file can rewrite all of it,
//! though: the digest of the last line belongs to somebody else.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use lykta_hash::text::to_hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::error::{Cause, Error};
use crate::record::FORMAT_VERSION;
use crate::report::chain::{Altered, header_sha256, read_chain, sha256};
use crate::report::clock::Moment;
use crate::report::log::LogEnd;
use crate::report::manifest::OutputFile;
use crate::report::output::{create_private, open_regular};

/// JSON lines, chained by their digests, each with the system before the next.
///
/// The first line stands on a header made of the tool, the case and the operator, which its event names, too.
/// Digests of lines are without the line end.
#[derive(Debug)]
pub struct ChainedLog {
    path: PathBuf,
    file: File,
    lines: u64,
    last_sha256: String,
    bytes: u64,
    whole: Sha256,
}

/// What a log turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedLog {
    /// Whole lines.
    pub lines: u64,
    /// SHA-256 of the last one; empty when there is none.
    pub last_sha256: String,
    /// Bytes after them: a line whose end is missing.
    pub torn: u64,
    /// The first line that is not as it was written, and how that shows.
    pub altered: Option<(u64, Altered)>,
}

/// Two who write to one log write over one another.
fn lock(file: &File, path: &Path) -> Result<(), Error> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(Cause::Running(path.to_owned()).into()),
        // File systems without locks hold logs all the same.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

#[derive(Serialize)]
struct Line<'e, E> {
    v: u32,
    n: u64,
    at: Moment,
    #[serde(flatten)]
    event: &'e E,
    previous: &'e str,
}

impl ChainedLog {
    /// Begins a log at `path`, where there must not be a file. The first event must have `tool`, and `case` and
    /// `operator` if they are given, with these values.
    ///
    /// # Errors
    /// When it cannot be created, or another process writes to it.
    pub fn create(
        path: &Path,
        tool: &str,
        case: Option<&str>,
        operator: Option<&str>,
    ) -> Result<Self, Error> {
        let file = create_private(path).map_err(Error::write(path, "created"))?;
        lock(&file, path)?;
        let last_sha256 = header_sha256(tool, case, operator);
        Ok(Self { path: path.to_owned(), file, lines: 0, last_sha256, bytes: 0, whole: Sha256::new() })
    }

    /// Checks the log at `path` and hands each readable line to `each`, altered or not. `noted` is what was written
    /// down elsewhere of the digest of its last line: without, somebody who rewrote all of it is not noticed.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn check(path: &Path, noted: Option<&str>, mut each: impl FnMut(&[u8])) -> Result<CheckedLog, Error> {
        let unread = |source| Cause::Check { at: path.to_owned(), source };
        let file = open_regular(path, OpenOptions::new().read(true)).map_err(unread)?;
        let end = read_chain(BufReader::new(file), noted, |_, line| {
            each(line);
            Ok(())
        })
        .map_err(unread)?;
        let other = noted.is_some_and(|noted| !noted.eq_ignore_ascii_case(&end.last_sha256));
        let altered = end.altered.or_else(|| other.then_some((end.lines, Altered::Digest)));
        Ok(CheckedLog { lines: end.lines, last_sha256: end.last_sha256, torn: end.torn, altered })
    }

    /// Goes on with the log at `path`: checks all of it and drops a last line whose end is missing. Also says of how
    /// many bytes that line was.
    ///
    /// # Errors
    /// When it cannot be read or written, another process writes to it, it holds no whole line, or a line is not as it
    /// was written.
    pub fn append_to(path: &Path) -> Result<(Self, u64), Error> {
        let mut file = open_regular(path, OpenOptions::new().read(true).write(true))
            .map_err(Error::write(path, "opened"))?;
        lock(&file, path)?;
        let mut whole = Sha256::new();
        let end = read_chain(BufReader::new(&file), None, |_, line| {
            whole.update(line);
            whole.update(b"\n");
            Ok(())
        })
        .map_err(Error::write(path, "read"))?;
        if let Some((line, altered)) = end.altered {
            return Err(Cause::AlteredLog { log: path.to_owned(), line, altered }.into());
        }
        if end.lines == 0 {
            return Err(Cause::EmptyLog(path.to_owned()).into());
        }
        let cut = file.set_len(end.bytes).and_then(|()| file.seek(SeekFrom::End(0)));
        cut.map_err(Error::write(path, "written"))?;
        let log = Self {
            path: path.to_owned(),
            file,
            lines: end.lines,
            last_sha256: end.last_sha256,
            bytes: end.bytes,
            whole,
        };
        Ok((log, end.torn))
    }

    /// Adds a line. `event` is a struct, or an enum with a tag, whose key `event` names it.
    ///
    /// # Errors
    /// When the file cannot be written: then it is as it was, and so is the chain.
    #[expect(clippy::unwrap_used, reason = "texts and numbers always serialise")]
    pub fn tell(&mut self, event: &impl Serialize) -> io::Result<()> {
        let line = Line {
            v: FORMAT_VERSION,
            n: self.lines + 1,
            at: Moment::now(),
            event,
            previous: &self.last_sha256,
        };
        let mut line = serde_json::to_string(&line).unwrap();
        let digest = sha256(line.as_bytes());
        line.push('\n');
        // One write and no buffer: a run that is killed leaves at most one line without its end.
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // What of it was written would be the beginning of the next line.
            let _ = self.file.set_len(self.bytes).and_then(|()| self.file.seek(SeekFrom::Start(self.bytes)));
            return Err(error);
        }
        self.whole.update(&line);
        self.bytes += line.len() as u64;
        self.lines += 1;
        self.last_sha256 = digest;
        Ok(())
    }

    /// Waits for the disk.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_data()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Describes the whole file under the name it has in a report.
    pub(crate) fn end(self, name: &'static str) -> io::Result<(OutputFile, LogEnd)> {
        self.file.sync_all()?;
        let file = OutputFile { name, bytes: self.bytes, sha256: to_hex(&self.whole.finalize()) };
        Ok((file, LogEnd { lines: self.lines, last_sha256: self.last_sha256 }))
    }
}
