//! `lykta list convert`.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, anyhow, bail};
use lykta::list::{Entry, Reader};
use lykta::source::Locator;
use lykta::{Kind, ListForm, ListWriter, ReadEntries, ReadList, ReadListError, each_entry};

use super::index_build::{folder_of, is_same_file, is_stdin, lone_name, open};
use super::list_inspect::rows_text;
use crate::args::{ConvertArgs, ConvertTo};
use crate::progress::{Activity, Counting};
use crate::say::note;

/// The kinds that hashdeep's format has a column for and Lykta knows.
const HASHDEEP_KINDS: [Kind; 3] = [Kind::Md5, Kind::Sha1, Kind::Sha256];

/// Rows were rejected, or entries could not be written.
const INCOMPLETE: u8 = 3;

pub(crate) fn run(args: &ConvertArgs) -> anyhow::Result<u8> {
    if let Some(kind) = args.kind.iter().find(|kind| !HASHDEEP_KINDS.contains(kind)) {
        bail!("hashdeep does not hold {kind}: name some of md5, sha1, sha256");
    }
    if !args.kind.is_empty() && args.to != ConvertTo::Hashdeep {
        bail!("--kind is for --to hashdeep: the other forms hold every hash of an entry");
    }
    let names: Vec<String> = args.lists.iter().map(|list| lone_name(list)).collect();
    args.read.check_names(&names)?;
    let Some(output) = &args.output else {
        return convert(args, BufWriter::new(io::stdout().lock())).map(|(_, code)| code);
    };
    if let Some(list) = args.lists.iter().find(|list| is_same_file(list, output)) {
        bail!("the output would replace the list {}: choose another OUT", Locator::from_path(list));
    }
    let folder = folder_of(output);
    let shown = Locator::from_path(output);
    let file = tempfile::NamedTempFile::new_in(folder).with_context(|| {
        format!("cannot write {shown}; check that its folder exists and may be written to")
    })?;
    let (file, code) = convert(args, BufWriter::new(file))?;
    let file = file.into_inner().map_err(|error| anyhow!("cannot write {shown}: {}", error.error()))?;
    file.as_file().sync_all().with_context(|| format!("cannot write {shown}"))?;
    file.persist(output).with_context(|| format!("cannot write {shown}"))?;
    Ok(code)
}

/// Converts all lists; the output, and the exit code.
fn convert<W: Write>(args: &ConvertArgs, out: W) -> anyhow::Result<(W, u8)> {
    let activity = Activity::new(args.quiet);
    let mut converter = Converter { args, out: Some(out), writer: None, left_out: 0 };
    let mut is_complete = true;
    for path in &args.lists {
        is_complete &= converter.list(path, &activity)?;
    }
    drop(activity);
    if converter.left_out > 0 && !args.quiet {
        let why = match args.to {
            ConvertTo::Hashdeep => {
                "hashdeep holds entries with a size, a name in one line and all digests that it lists"
            }
            ConvertTo::Csv | ConvertTo::Jsonl => {
                "CSV holds no row with a byte of value 0 or of more than a mebibyte, which would refuse the whole list"
            }
        };
        note(format_args!("{} entries were not written: {why}", converter.left_out));
    }
    let code = if is_complete && converter.left_out == 0 { 0 } else { INCOMPLETE };
    let out = converter.finish()?;
    Ok((out, code))
}

struct Converter<'a, W: Write> {
    args: &'a ConvertArgs,
    /// Where to write, until it is known what.
    out: Option<W>,
    writer: Option<ListWriter<W>>,
    left_out: u64,
}

impl<W: Write> Converter<'_, W> {
    /// Converts one list. Returns whether no row was rejected and nothing of it is missing.
    fn list(&mut self, path: &Path, activity: &Activity) -> anyhow::Result<bool> {
        let shown = Locator::from_path(path).to_string();
        activity.say(format!("reading {shown}"));
        let name = lone_name(path);
        let file = (!is_stdin(path)).then_some(path);
        let options = self.args.read.options(&name, file, None)?;
        let input = Counting::new(open(path)?, activity);
        let mut reader = Reader::new(input, &options).map_err(|error| anyhow!("{shown}: {error}"))?;
        let how = ReadEntries { folder: None, keep_partial: self.args.read.keep_partial };
        let read = each_entry(&mut reader, how, |entry| self.write(&name, &entry));
        let ReadList { tally, cut_short, .. } = read.map_err(|error| match error {
            ReadListError::Taker(error) => error,
            error => anyhow!("{shown}: {error}"),
        })?;
        let rejected = tally.rejected_total();
        if !self.args.quiet {
            if rejected + tally.dropped_total() + tally.deleted > 0 {
                note(format_args!("{shown}: {}; `lykta list inspect --all` says which", rows_text(&tally)));
            }
            if let Some(error) = &cut_short {
                note(format_args!("{shown}: NOT COMPLETE: {error}"));
            }
        }
        Ok(rejected == 0 && cut_short.is_none())
    }

    fn write(&mut self, list: &str, entry: &Entry) -> anyhow::Result<()> {
        let writer = match (&mut self.writer, self.out.take()) {
            (Some(writer), _) => writer,
            (None, Some(out)) => {
                let form = form(self.args, Some(entry))?;
                self.writer.insert(ListWriter::new(form, out)?)
            }
            (None, None) => bail!("internal error: no output"),
        };
        self.left_out += u64::from(!writer.write(list, entry)?);
        Ok(())
    }

    /// Ends the output, which has its first lines even when there was no entry.
    fn finish(self) -> anyhow::Result<W> {
        match (self.writer, self.out) {
            (Some(writer), _) => Ok(writer.finish()?),
            (None, Some(out)) => Ok(ListWriter::new(form(self.args, None)?, out)?.finish()?),
            (None, None) => bail!("internal error: no output"),
        }
    }
}

fn form(args: &ConvertArgs, first: Option<&Entry>) -> anyhow::Result<ListForm> {
    Ok(match args.to {
        ConvertTo::Csv => ListForm::Csv,
        ConvertTo::Jsonl => ListForm::JsonLines,
        ConvertTo::Hashdeep => {
            let has =
                |kind: &Kind| first.is_some_and(|entry| entry.hashes.iter().any(|hash| hash.kind() == *kind));
            let kinds: Vec<Kind> = if args.kind.is_empty() {
                HASHDEEP_KINDS.into_iter().filter(has).collect()
            } else {
                HASHDEEP_KINDS.into_iter().filter(|kind| args.kind.contains(kind)).collect()
            };
            if kinds.is_empty() {
                bail!(
                    "hashdeep holds md5, sha1 and sha256, and the first entry has none of them: name some with --kind"
                );
            }
            ListForm::Hashdeep(kinds)
        }
    })
}
