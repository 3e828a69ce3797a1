//! `lykta list apply`.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use lykta::source::{Locator, visible};
use lykta::store::{ListDescription, Store};
use lykta::{
    AddListError, AddedStore, BuildOptions, Builder, CodeCount, Codes, Delivered, Delivery, ListOptions,
    Role, StorePart, Taken, add_store, deliver, is_ambiguous,
};
use serde_json::{Value, json};

use super::index_build::{folder_of, is_stdin, write};
use super::list_inspect::{counts_json, examples_json, write_examples};
use crate::args::ApplyArgs;
use crate::codes;
use crate::progress::{Activity, Counting};
use crate::say::note;

pub(crate) fn run(args: &ApplyArgs) -> anyhow::Result<u8> {
    let is_other = |path: &Path| fs::metadata(path).is_ok_and(|file| !file.is_file());
    if let Some(path) = args.files.iter().find(|path| is_stdin(path) || is_other(path)) {
        bail!("{} is no file: deliveries are read twice, so put them into files", Locator::from_path(path));
    }
    refuse_same(args)?;
    let codes = codes::read(&args.codes)?;
    let shown = Locator::from_path(&args.store);
    let of_store = |error: lykta::store::Error| anyhow!("{shown}: {error}");
    let is_new = fs::symlink_metadata(&args.store).is_err();
    if is_new && args.files.is_empty() {
        bail!("there is no store {shown}: give its path, or FILEs to make it of");
    }
    let mut store = Store::open_or_create(&args.store).map_err(of_store)?;
    let applied = apply(args, &mut store, codes);
    // Without a description no deliveries were ever taken.
    if is_new && applied.is_err() && matches!(store.list(), Ok(None)) {
        drop(store);
        fs::remove_file(&args.store)?;
    }
    let result = applied?;
    let mut out = io::stdout().lock();
    if args.json {
        writeln!(out, "{}", result.to_json(args))?;
    } else {
        result.print(args, &mut out)?;
    }
    Ok(0)
}

/// Takes the deliveries and writes the indexes.
fn apply(args: &ApplyArgs, store: &mut Store, codes: Codes) -> anyhow::Result<Applied> {
    let shown = Locator::from_path(&args.store);
    let of_store = |error: lykta::store::Error| anyhow!("{shown}: {error}");
    let options = list_options(args, store, codes)?;
    let rules = rules_of(&options);
    if args.output.is_some() && args.base.is_none() {
        let of_base = store.base_rules().map_err(of_store)?;
        if of_base.is_some_and(|of_base| of_base != rules) {
            bail!("the base was built with other rules for codes: write a new base with --base");
        }
    }
    let total: Option<u64> =
        args.files.iter().map(|path| fs::metadata(path).ok().map(|file| 2 * file.len())).sum();
    let activity = Activity::of(args.quiet, total);
    activity.say("taking deliveries".to_owned());
    let deliveries: Vec<Delivery> =
        args.files.iter().map(|path| delivery(args, path)).collect::<anyhow::Result<_>>()?;
    let taken = deliver(store, &options, &deliveries, args.whole, |file| Counting::new(file, &activity))?;
    let base = match &args.base {
        None => None,
        Some(path) => {
            let base = index(args, store, StorePart::All, &options, path, &activity)?;
            store.mark_base(&rules).map_err(of_store)?;
            Some(base)
        }
    };
    let additions = match &args.output {
        None => None,
        Some(path) => {
            if !store.has_base().map_err(of_store)? && !args.quiet {
                note("there is no base yet, so the index holds everything: --base writes one");
            }
            Some(index(args, store, StorePart::Additions, &options, path, &activity)?)
        }
    };
    drop(activity);
    Ok(Applied { taken, base, additions, entries: store.count().map_err(of_store)? })
}

/// Refuses paths that lead to one file: a command must not write over what it reads or has just written.
fn refuse_same(args: &ApplyArgs) -> anyhow::Result<()> {
    let named = |name, path: &'_ Option<PathBuf>| path.clone().map(|path| (name, path));
    let paths: Vec<(&str, PathBuf)> = std::iter::once(("STORE", args.store.clone()))
        .chain(args.files.iter().map(|path| ("FILE", path.clone())))
        .chain(named("--base", &args.base))
        .chain(named("-o", &args.output))
        .collect();
    let mut seen: HashMap<PathBuf, &str> = HashMap::new();
    for (name, path) in &paths {
        if let Some(before) = seen.insert(real(path), name) {
            let path = Locator::from_path(path);
            bail!("{before} and {name} are one file, {path}: each needs a file of its own");
        }
    }
    Ok(())
}

/// Where a path leads, also when nothing is there yet.
fn real(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| {
        let folder = fs::canonicalize(folder_of(path)).unwrap_or_else(|_| folder_of(path).to_owned());
        path.file_name().map_or_else(|| path.to_owned(), |name| folder.join(name))
    })
}

/// What the list is: as it was asked for, or as it was before.
fn list_options(args: &ApplyArgs, store: &Store, codes: Codes) -> anyhow::Result<ListOptions> {
    let before = store.list()?;
    let is_ignore = args.ignore || before.as_ref().is_some_and(|list| list.is_ignore);
    let classified = args.ignore_classified || before.as_ref().is_some_and(|list| list.ignore_classified);
    Ok(ListOptions {
        name: list_name(args, before)?,
        role: if is_ignore { Role::Ignore } else { Role::Match },
        codes,
        ignore_classified: classified,
        ..ListOptions::default()
    })
}

/// A digest of the rules for codes that an index is made with. In an ignore list codes mean nothing.
fn rules_of(options: &ListOptions) -> [u8; 32] {
    if options.role == Role::Ignore { Codes::default().fingerprint() } else { options.codes.fingerprint() }
}

/// What the list is called: as it was asked for, as it was called before, or as the file of its store is.
fn list_name(args: &ApplyArgs, before: Option<ListDescription>) -> anyhow::Result<String> {
    if let Some(name) = args.list.clone().or(before.map(|list| list.name)) {
        return Ok(name);
    }
    let stem = args.store.file_stem().ok_or_else(|| anyhow!("a store is a file: give its path"))?;
    Ok(Locator::from_path(Path::new(stem)).to_string())
}

fn delivery(args: &ApplyArgs, path: &Path) -> anyhow::Result<Delivery> {
    let name = Locator::from_path(path.file_name().map_or(path, Path::new)).to_string();
    let read = args.read.options(&name, Some(path), Some(folder_of(&args.store)))?;
    Ok(Delivery { name, path: path.to_owned(), read, keep_partial: args.read.keep_partial })
}

/// Writes an index of the store.
fn index(
    args: &ApplyArgs,
    store: &mut Store,
    part: StorePart,
    options: &ListOptions,
    path: &Path,
    activity: &Activity,
) -> anyhow::Result<AddedStore> {
    activity.say(format!("building {}", Locator::from_path(path)));
    let folder = Some(folder_of(path).to_owned());
    let mut builder = Builder::new(BuildOptions { memory: args.memory, folder, ..BuildOptions::default() });
    let as_one = |codes: &[CodeCount]| vec![(options.name.clone(), codes.to_vec())];
    let added = match add_store(&mut builder, store, part, options) {
        Ok(added) => added,
        Err(AddListError::Undecided { codes, .. }) => {
            let lists = as_one(&codes);
            let lists: Vec<_> = lists.iter().map(|(name, codes)| (&name[..], codes.clone())).collect();
            bail!("the deliveries are kept in the store, but {}", codes::refusal(args.json, &lists)?);
        }
        Err(error) => bail!("the deliveries are kept in the store, but {error}"),
    };
    if is_ambiguous(&added.codes) {
        let lists = as_one(&added.codes);
        let lists: Vec<_> = lists.iter().map(|(name, codes)| (&name[..], codes.clone())).collect();
        bail!("the deliveries are kept in the store, but {}", codes::ambiguity(args.json, &lists)?);
    }
    write(builder, path, activity)
        .map_err(|error| anyhow!("the deliveries are kept in the store, but {error}"))?;
    Ok(added)
}

/// What was done.
struct Applied {
    taken: Taken,
    base: Option<AddedStore>,
    additions: Option<AddedStore>,
    /// Entries that count now.
    entries: u64,
}

impl Applied {
    fn print(&self, args: &ApplyArgs, out: &mut impl Write) -> io::Result<()> {
        for Delivered { name, format, tally, cut_short } in &self.taken.files {
            writeln!(
                out,
                "{} ({format}): {} rows, {} accepted, {} rejected, {} deletions",
                visible(name),
                tally.rows,
                tally.accepted,
                tally.rejected_total(),
                tally.deleted
            )?;
            write_examples(out, tally)?;
            if let Some(cut_short) = cut_short {
                writeln!(out, "    NOT COMPLETE: {}", visible(cut_short))?;
            }
        }
        writeln!(
            out,
            "{}: {} entries count; {} counted before, {} ended",
            Locator::from_path(&args.store),
            self.entries,
            self.taken.before,
            self.taken.ended
        )?;
        if self.taken.deleted_nothing > 0 {
            writeln!(out, "    {} deletions of entries that are not there", self.taken.deleted_nothing)?;
        }
        for (path, added) in self.indexes(args) {
            let AddedStore { entries, retractions, codes, dropped } = added;
            let path = Locator::from_path(path);
            writeln!(out, "{path}: {entries} entries, {retractions} retractions")?;
            for (reason, count) in dropped {
                writeln!(out, "    left out: {count} {reason}")?;
            }
            codes.iter().try_for_each(|code| writeln!(out, "    {}", visible(&codes::line(code))))?;
        }
        Ok(())
    }

    fn to_json(&self, args: &ApplyArgs) -> Value {
        let file = |Delivered { name, format, tally, cut_short }: &Delivered| {
            json!({
                "name": name, "format": format.name(), "rows": tally.rows, "accepted": tally.accepted,
                "deleted": tally.deleted, "rejected": counts_json(&tally.rejected),
                "dropped": counts_json(&tally.dropped), "photodna": tally.photodna,
                "cut_short": cut_short, "examples": examples_json(tally),
            })
        };
        let index = |added: &AddedStore| {
            json!({
                "entries": added.entries, "retractions": added.retractions, "codes": codes::to_json(&added.codes),
                "dropped": added.dropped.iter().cloned().collect::<BTreeMap<String, u64>>(),
            })
        };
        json!({
            "v": 1, "store": Locator::from_path(&args.store).to_string(), "entries": self.entries,
            "entries_before": self.taken.before, "ended": self.taken.ended, "deleted_nothing": self.taken.deleted_nothing,
            "files": self.taken.files.iter().map(file).collect::<Vec<_>>(),
            "base": self.base.as_ref().map(index), "additions": self.additions.as_ref().map(index),
        })
    }

    /// The indexes that were written.
    fn indexes<'a>(&'a self, args: &'a ApplyArgs) -> impl Iterator<Item = (&'a Path, &'a AddedStore)> {
        let base = args.base.as_deref().zip(self.base.as_ref());
        base.into_iter().chain(args.output.as_deref().zip(self.additions.as_ref()))
    }
}
