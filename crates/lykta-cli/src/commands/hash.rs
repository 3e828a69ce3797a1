//! `lykta hash`.

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;

use anyhow::bail;
use lykta::hash::{Digests, KindSet};
use lykta::media::pdq::{self, Crop, Crops, FileHash, Mode};
use lykta::media::{Error as MediaError, Limits, Rectangle};
use lykta::scan::{FileHasher, GivenUp, PictureResult, disarm_formula};
use lykta::source::{FileItem, Item, ItemKind, WalkOptions, walk};
use lykta::{Digest, Kind};
use serde::Serialize;

use crate::STOPPED;
use crate::args::{HashArgs, HashViewsArg, PdqModeArg};
use crate::in_order::{Take, make_in_order};
use crate::interrupt;
use crate::progress::Activity;
use crate::say::note;

/// Some file could not be hashed.
const INCOMPLETE: u8 = 3;

/// Lines that wait for one before them: all threads have work while one of them has a large picture.
const MOST_WAITING: usize = 4096;

pub(crate) fn run(args: &HashArgs) -> anyhow::Result<u8> {
    let mut kinds: KindSet = args.kind.iter().copied().collect();
    if kinds.is_empty() {
        kinds = Kind::COMPUTED.into_iter().collect();
    }
    if args.views.is_some() && !kinds.contains(Kind::Pdq) {
        bail!("--views is of PDQ, which --kind leaves out: add pdq to it");
    }
    let mode = match args.pdq_mode {
        PdqModeArg::Full => Mode::Full,
        PdqModeArg::Cli512 => Mode::Cli512,
    };
    let jobs = args.jobs.or_else(|| thread::available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN);
    // Lines on a terminal are progress enough, and a spinner would be drawn between them.
    let activity = Activity::new(args.quiet || io::stdout().is_terminal());
    let stop = interrupt::orderly();
    let mut hasher = FileHasher::new(kinds, args.memory, jobs, Limits::default());
    if kinds.contains(Kind::Pdq) {
        hasher = match args.views {
            None => hasher.with_pictures(whole_of_file, mode),
            Some(HashViewsArg::Crops) => hasher.with_pictures(pdq::crops_of_file, mode),
        };
    }
    let hasher = Hasher { hasher, activity: &activity, stop };
    let items = walk(&args.paths, &WalkOptions::default());
    let output = Output::new(args, kinds, &activity)?;
    let output = make_in_order(items, |item| hasher.line(item), output, MOST_WAITING, jobs, stop)?;
    let exit_code = output.finish()?;
    Ok(if stop.load(Relaxed) { STOPPED } else { exit_code })
}

/// As [`pdq::crops_of_file`], without the parts.
fn whole_of_file(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<Crops>, MediaError> {
    Ok(pdq::hash_file(bytes, limits, mode)?.map(|whole| Crops { whole, parts: Vec::new() }))
}

/// What is said of a part of a picture.
#[derive(Debug, Serialize)]
struct ViewLine {
    view: &'static str,
    /// Left, top, width, height.
    rectangle: [u32; 4],
    pdq: String,
    pdq_quality: u8,
}

impl ViewLine {
    /// None for what can match nothing.
    fn new(crop: &Crop) -> Option<Self> {
        let Crop { name, rectangle: Rectangle { left, top, width, height }, hash } = *crop;
        let is_usable = hash.quality > 0 && !hash.pdq.is_blank();
        is_usable.then(|| Self {
            view: name,
            rectangle: [left, top, width, height],
            pdq: hash.pdq.to_string(),
            pdq_quality: hash.quality,
        })
    }
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
    /// Scans of a JPEG that were not read, those of colour alone; none where all were.
    #[serde(skip_serializing_if = "Option::is_none")]
    unread_scans: Option<usize>,
    /// Parts of the picture, where they were asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    views: Vec<ViewLine>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The part of the picture that a row of a list is of.
    #[serde(skip)]
    view: Option<&'static str>,
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

    fn set_picture(&mut self, picture: PictureResult<Crops>) {
        match picture {
            PictureResult::Hashed(FileHash { hash, dimensions, unread_scans, .. }) => {
                self.unread_scans = Some(unread_scans).filter(|&scans| scans > 0);
                self.pdq = Some(hash.whole.pdq.to_string());
                self.pdq_quality = Some(hash.whole.quality);
                self.views = hash.parts.iter().filter_map(ViewLine::new).collect();
                self.width = Some(dimensions.width);
                self.height = Some(dimensions.height);
            }
            PictureResult::Failed(_, detail) => self.error = Some(detail),
            PictureResult::NotOne | PictureResult::NotWanted => {}
        }
    }

    /// What a list has of a part of the picture: the same path and no digest, since those are of the
    /// whole file.
    fn of_view(&self, part: &ViewLine) -> Self {
        Self {
            path: self.path.clone(),
            pdq: Some(part.pdq.clone()),
            pdq_quality: Some(part.pdq_quality),
            view: Some(part.view),
            ..Self::default()
        }
    }

    fn has_hash(&self) -> bool {
        [&self.md5, &self.sha1, &self.sha256, &self.blake3, &self.pdq].iter().any(|hash| hash.is_some())
    }
}

/// Makes the line of an item; shared by all threads.
struct Hasher<'a> {
    hasher: FileHasher<Crops>,
    activity: &'a Activity,
    /// Set when no more is to be hashed.
    stop: &'a AtomicBool,
}

impl Hasher<'_> {
    /// What is to be said of an item; `None` when it was stopped before that was known.
    fn line(&self, item: Item) -> Option<Line> {
        let mut line = Line { path: item.locator.steps().collect::<Vec<_>>().join("!"), ..Line::default() };
        match item.kind {
            ItemKind::File(file) => {
                if let Err(failure) = unless_it_panics(|| self.hash_file(&mut line, &file)) {
                    let error = match failure {
                        Failure::GivenUp(GivenUp::Skipped(..)) => return None,
                        Failure::GivenUp(GivenUp::Failed(_, detail)) => detail,
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

    fn hash_file(&self, line: &mut Line, file: &FileItem) -> Result<(), GivenUp> {
        let mut open = file.open()?;
        line.size = Some(open.size());
        let hashes = self.hasher.hash(&mut open, &|bytes| self.activity.add_bytes(bytes), self.stop)?;
        line.set_digests(&hashes.digests);
        line.set_picture(hashes.picture);
        open.finish()?;
        if !line.has_hash() && line.error.is_none() {
            line.error = Some("not a picture, so it has no PDQ; ask for another --kind".to_owned());
        }
        Ok(())
    }
}

/// Why there is no line of a file, or none but that.
#[derive(Debug)]
enum Failure {
    GivenUp(GivenUp),
    Panicked,
}

/// Does `work`. A panic in it, of which the hook has told, is the failure of one file: the others
/// are hashed all the same.
fn unless_it_panics(work: impl FnOnce() -> Result<(), GivenUp>) -> Result<(), Failure> {
    // What `work` changes is one line, which is thrown away then.
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(Failure::GivenUp),
        Err(_) => Err(Failure::Panicked),
    }
}

/// Lines on standard output, in one of two forms.
struct Output<'a> {
    form: Form,
    activity: &'a Activity,
    files: u64,
    errors: u64,
}

/// Which columns a list has.
#[derive(Clone, Copy)]
struct Columns {
    kinds: KindSet,
    view: bool,
}

enum Form {
    Json(io::BufWriter<io::Stdout>),
    Csv(Box<csv::Writer<io::Stdout>>, Columns),
}

impl<'a> Output<'a> {
    fn new(args: &HashArgs, kinds: KindSet, activity: &'a Activity) -> anyhow::Result<Self> {
        let stdout = io::stdout();
        let form = if args.csv {
            let mut writer = csv::Writer::from_writer(stdout);
            let columns = Columns { kinds, view: args.views.is_some() };
            writer.write_record(columns.names())?;
            Form::Csv(Box::new(writer), columns)
        } else {
            Form::Json(io::BufWriter::new(stdout))
        };
        Ok(Self { form, activity, files: 0, errors: 0 })
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
            Form::Csv(out, columns) => {
                if let Some(error) = &line.error {
                    note(format_args!("{}: {error}", line.path));
                }
                if line.has_hash() {
                    out.write_record(columns.cells(line))?;
                }
                for view in &line.views {
                    out.write_record(columns.cells(&line.of_view(view)))?;
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

impl Take for Output<'_> {
    type Piece = Option<Line>;

    fn take(&mut self, line: Option<Line>) -> anyhow::Result<()> {
        line.map_or(Ok(()), |line| self.write(&line))
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        self.activity.say(format!("{} files, {} errors", self.files, self.errors));
        Ok(())
    }
}

impl Columns {
    fn names(self) -> impl Iterator<Item = &'static str> {
        let quality = self.kinds.contains(Kind::Pdq).then_some("pdq_quality");
        let view = self.view.then_some("view");
        ["path", "size"].into_iter().chain(self.kinds.iter().map(Kind::name)).chain(quality).chain(view)
    }

    /// The cells of a row, in the order of the names.
    fn cells(self, line: &Line) -> Vec<String> {
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
        cells.extend(self.kinds.iter().map(|kind| hash(kind).unwrap_or_default()));
        if self.kinds.contains(Kind::Pdq) {
            cells.push(line.pdq_quality.map_or_else(String::new, |quality| quality.to_string()));
        }
        cells.extend(self.view.then(|| line.view.unwrap_or_default().to_owned()));
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_has_a_cell_for_every_column() {
        let kinds: KindSet = [Kind::Sha1, Kind::Pdq].into_iter().collect();
        let line = Line { path: "=a".into(), sha1: Some("aa".into()), size: Some(3), ..Line::default() };
        let columns = Columns { kinds, view: true };
        assert_eq!(columns.cells(&line), ["'=a", "3", "aa", "", "", ""]);
        assert_eq!(
            columns.names().collect::<Vec<_>>(),
            ["path", "size", "sha1", "pdq", "pdq_quality", "view"]
        );
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
