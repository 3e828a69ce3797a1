//! `lykta hash`.

use std::io::{self, IsTerminal, Read, Write};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context;
use lykta::hash::{Digests, KindSet};
use lykta::media::pdq::{self, Mode, PdqHash};
use lykta::media::{Digester, ErrorKind, Format, Limits, SNIFF_LEN, decode, probe, sniff};
use lykta::scan::disarm_formula;
use lykta::source::{Error as SourceError, FileItem, Item, ItemKind, OpenFile, WalkOptions, walk};
use lykta::{Digest, Kind};
use rayon::prelude::*;
use serde::Serialize;

use crate::STOPPED;
use crate::args::{HashArgs, PdqModeArg};
use crate::interrupt;
use crate::progress::Activity;
use crate::say::note;

/// Some file could not be hashed.
const INCOMPLETE: u8 = 3;

/// Bytes read at a time.
const PIECE: usize = 128 << 10;

/// Longest picture file that is held in memory, in bytes. Of a longer one the digests are given.
const LONGEST_HELD: u64 = 1 << 30;

/// Picture files longer than this, in bytes, are held one at a time.
const LARGE_FILE: u64 = 64 << 20;

/// Pictures that take more memory than this to decode, in bytes, are decoded one at a time.
const LARGE_PICTURE: u64 = 256 << 20;

pub(crate) fn run(args: &HashArgs) -> anyhow::Result<u8> {
    let mut kinds: KindSet = args.kind.iter().copied().collect();
    if kinds.is_empty() {
        kinds = Kind::COMPUTED.into_iter().collect();
    }
    let mode = match args.pdq_mode {
        PdqModeArg::Full => Mode::Full,
        PdqModeArg::Cli512 => Mode::Cli512,
    };
    let jobs = args.jobs.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .context("cannot start the threads; try fewer with --jobs")?;
    let mut output = Output::new(args.csv, kinds)?;
    let mut items = walk(&args.paths, &WalkOptions::default());
    // Lines on a terminal are progress enough, and a spinner would be drawn between them.
    let activity = Activity::new(args.quiet || io::stdout().is_terminal());
    let stop = interrupt::orderly();
    let hasher = Hasher { kinds, mode, activity: &activity, stop, large: Mutex::new(()) };
    // Batch by batch, so that lines come in the order of the walk and few of them wait.
    let batch_len = pool.current_num_threads() * 16;
    while !stop.load(Relaxed) {
        let batch: Vec<Item> = items.by_ref().take(batch_len).collect();
        if batch.is_empty() {
            return output.finish();
        }
        let hashed: Vec<Option<Line>> =
            pool.install(|| batch.into_par_iter().map(|item| hasher.line(item)).collect());
        for line in hashed.iter().flatten() {
            output.write(line)?;
        }
        activity.say(format!("{} files, {} errors", output.files, output.errors));
    }
    output.finish()?;
    Ok(STOPPED)
}

/// What is said of one file. Keys are those of the command line's contract.
#[derive(Debug, Default, Serialize)]
struct Line {
    path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha1: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blake3: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pdq: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pdq_quality: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Why it is not a file to hash; such a thing is mentioned, but no failure.
    #[serde(skip)]
    skipped: Option<String>,
}

impl Line {
    fn set_digests(&mut self, digests: &Digests) {
        let text = |kind| digests.get(kind).map(|digest: Digest| digest.to_string());
        self.md5 = text(Kind::Md5);
        self.sha1 = text(Kind::Sha1);
        self.sha256 = text(Kind::Sha256);
        self.blake3 = text(Kind::Blake3);
    }

    fn set_picture(&mut self, bytes: &[u8], mode: Mode) {
        match decode(bytes, &Limits::default()) {
            Ok(picture) => {
                let PdqHash { pdq, quality } = pdq::hash(&picture, mode);
                self.pdq = Some(pdq.to_string());
                self.pdq_quality = Some(quality);
                self.width = Some(picture.width());
                self.height = Some(picture.height());
            }
            Err(error) if error.kind() == ErrorKind::NotAPicture => {}
            Err(error) => self.error = Some(error.to_string()),
        }
    }

    fn has_hash(&self) -> bool {
        [&self.md5, &self.sha1, &self.sha256, &self.blake3, &self.pdq].iter().any(|hash| hash.is_some())
    }
}

/// Hashes files, each on its own; shared by all threads.
struct Hasher<'a> {
    kinds: KindSet,
    mode: Mode,
    activity: &'a Activity,
    /// Set when no more is to be hashed.
    stop: &'a AtomicBool,
    /// Held by whoever has a large picture in memory: there is one at a time. Each other thread
    /// holds up to [`LARGE_FILE`] bytes of a file and [`LARGE_PICTURE`] of decoding, so memory is
    /// bounded by the number of threads times their sum, and one large picture.
    large: Mutex<()>,
}

impl Hasher<'_> {
    /// What is to be said of an item; `None` when it was stopped before that was known.
    fn line(&self, item: Item) -> Option<Line> {
        if self.stop.load(Relaxed) {
            return None;
        }
        let mut line = Line { path: item.locator.steps().collect::<Vec<_>>().join("!"), ..Line::default() };
        match item.kind {
            ItemKind::File(file) => {
                if let Err(failure) = unless_it_panics(|| self.hash_file(&mut line, &file)) {
                    let error = match failure {
                        Failure::Stopped => return None,
                        Failure::Source(error) => error.to_string(),
                        Failure::Panicked => {
                            "internal error while it was hashed; please report it".to_owned()
                        }
                    };
                    // Half of a line would look like all there is to know.
                    line = Line { path: line.path, error: Some(error), ..Line::default() };
                }
            }
            ItemKind::Skipped { reason, .. } => line.skipped = Some(reason.to_string()),
            ItemKind::Failed(error) => line.error = Some(error.to_string()),
        }
        Some(line)
    }

    /// One read of the file for all kinds. Held in memory are the files of pictures only, and of
    /// those none that is too long.
    fn hash_file(&self, line: &mut Line, file: &FileItem) -> Result<(), Failure> {
        let mut open = file.open()?;
        let size = open.size();
        line.size = Some(size);
        let mut start = Vec::new();
        (&mut open).take(SNIFF_LEN as u64).read_to_end(&mut start).map_err(SourceError::Read)?;
        let format = if self.kinds.contains(Kind::Pdq) { sniff(&start) } else { None };
        let held = format.is_some_and(Format::is_decoded) && size <= LONGEST_HELD;
        let mut alone = (held && size > LARGE_FILE).then(|| self.wait_for_large());
        let mut bytes = Vec::new();
        let mut digester = Digester::new(self.kinds);
        let take = |piece: &[u8]| {
            self.activity.add_bytes(piece.len() as u64);
            digester.update(piece);
            if held {
                bytes.extend_from_slice(piece);
            }
        };
        read_rest(&start, &mut open, self.stop, take)?;
        open.finish()?;
        line.set_digests(&digester.finish());
        match format {
            Some(_) if held => {
                if alone.is_none() && probe(&bytes).is_ok_and(|header| header.memory > LARGE_PICTURE) {
                    alone = Some(self.wait_for_large());
                }
                line.set_picture(&bytes, self.mode);
                drop(alone);
            }
            Some(format) if format.is_decoded() => {
                let name = format.name();
                line.error = Some(format!(
                    "no PDQ: a {name} file of {size} bytes, and at most {LONGEST_HELD} are held in memory; \
                     hash a smaller copy of the picture"
                ));
            }
            // Says that this format is not decoded.
            Some(_) => line.set_picture(&start, self.mode),
            None => {}
        }
        if !line.has_hash() && line.error.is_none() {
            line.error = Some("not a picture, so it has no PDQ; ask for another --kind".to_owned());
        }
        Ok(())
    }

    fn wait_for_large(&self) -> MutexGuard<'_, ()> {
        self.large.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why there is no line of a file, or none but that.
#[derive(Debug)]
enum Failure {
    Source(SourceError),
    Panicked,
    Stopped,
}

impl From<SourceError> for Failure {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

/// Does `work`. A panic in it, of which the hook has told, is the failure of one file: the others
/// are hashed all the same.
fn unless_it_panics(work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    // What `work` changes is one line, which is thrown away then.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Failure::Panicked))
}

fn read_rest(
    start: &[u8],
    open: &mut OpenFile,
    stop: &AtomicBool,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Failure> {
    take(start);
    let mut piece = vec![0; PIECE];
    loop {
        if stop.load(Relaxed) {
            return Err(Failure::Stopped);
        }
        match open.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(count) => take(&piece[..count]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(SourceError::Read(error).into()),
        }
    }
}

/// Lines on standard output, in one of two forms.
struct Output {
    form: Form,
    files: u64,
    errors: u64,
}

enum Form {
    Json(io::BufWriter<io::StdoutLock<'static>>),
    Csv(Box<csv::Writer<io::StdoutLock<'static>>>, KindSet),
}

impl Output {
    fn new(csv: bool, kinds: KindSet) -> anyhow::Result<Self> {
        let stdout = io::stdout().lock();
        let form = if csv {
            let mut writer = csv::Writer::from_writer(stdout);
            let quality = kinds.contains(Kind::Pdq).then_some("pdq_quality");
            writer.write_record(
                ["path", "size"].into_iter().chain(kinds.iter().map(Kind::name)).chain(quality),
            )?;
            Form::Csv(Box::new(writer), kinds)
        } else {
            Form::Json(io::BufWriter::new(stdout))
        };
        Ok(Self { form, files: 0, errors: 0 })
    }

    fn write(&mut self, line: &Line) -> anyhow::Result<()> {
        if let Some(reason) = &line.skipped {
            note(format_args!("{}: {reason}", line.path));
            return Ok(());
        }
        self.files += 1;
        self.errors += u64::from(line.error.is_some());
        match &mut self.form {
            Form::Json(out) => {
                serde_json::to_writer(&mut *out, line)?;
                writeln!(out)?;
            }
            Form::Csv(out, kinds) => {
                if let Some(error) = &line.error {
                    note(format_args!("{}: {error}", line.path));
                }
                if line.has_hash() {
                    out.write_record(cells(line, *kinds))?;
                }
            }
        }
        Ok(())
    }

    fn finish(self) -> anyhow::Result<u8> {
        match self.form {
            Form::Json(mut out) => out.flush()?,
            Form::Csv(mut out, _) => out.flush()?,
        }
        Ok(if self.errors == 0 { 0 } else { INCOMPLETE })
    }
}

/// The cells of a row, as [`Output::new`] names them.
fn cells(line: &Line, kinds: KindSet) -> Vec<String> {
    let hash = |kind| match kind {
        Kind::Md5 => line.md5.clone(),
        Kind::Sha1 => line.sha1.clone(),
        Kind::Sha256 => line.sha256.clone(),
        Kind::Blake3 => line.blake3.clone(),
        Kind::Pdq => line.pdq.clone(),
        Kind::Phash | Kind::Dhash => None,
    };
    let mut cells = vec![
        disarm_formula(&line.path).into_owned(),
        line.size.map_or_else(String::new, |size| size.to_string()),
    ];
    cells.extend(kinds.iter().map(|kind| hash(kind).unwrap_or_default()));
    if kinds.contains(Kind::Pdq) {
        cells.push(line.pdq_quality.map_or_else(String::new, |quality| quality.to_string()));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let kinds: KindSet = [Kind::Sha1, Kind::Pdq].into_iter().collect();
        let line = Line { path: "=a".into(), sha1: Some("aa".into()), size: Some(3), ..Line::default() };
        assert_eq!(cells(&line, kinds), ["'=a", "3", "aa", "", ""]);
    }

    #[test]
    fn a_panic_is_the_failure_of_one_file() {
        assert!(matches!(unless_it_panics(|| panic!("a decoder gave up")), Err(Failure::Panicked)));
        assert!(unless_it_panics(|| Ok(())).is_ok());
    }

    #[test]
    fn keys_are_those_of_the_contract_in_their_order() {
        let line = Line { path: "a".into(), size: Some(1), pdq_quality: Some(3), ..Line::default() };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"path":"a","size":1,"pdq_quality":3}"#);
    }
}
