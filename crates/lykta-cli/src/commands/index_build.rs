//! `lykta index build`.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use lykta::index::Structure;
use lykta::source::{Locator, visible};
use lykta::{
    AddListError, AddedList, BuildOptions, Builder, CodeCount, EntryPair, EntryPairs, ListOptions, Role,
    add_list, is_ambiguous,
};
use serde_json::json;

use super::index_info;
use super::list_inspect::{examples_json, write_examples};
use crate::args::{BuildArgs, NearArg};
use crate::codes;
use crate::known::open_index;
use crate::progress::{Activity, Counting};
use crate::space::Space;

/// What a build did, for its report.
pub(crate) struct Built {
    lists: Vec<AddedList>,
    space: Space,
}

pub(crate) fn run(args: &BuildArgs) -> anyhow::Result<u8> {
    let built = build(args)?;
    report(args, &built)?;
    Ok(0)
}

/// Builds the index, and says what became of the rows of each list.
pub(crate) fn build(args: &BuildArgs) -> anyhow::Result<Built> {
    let lists = checked_lists(args)?;
    let retractions = read_retractions(args)?;
    let space = Space::needed(lists.iter().map(|list| list.path), args.memory, folder_of(&args.output));
    if !args.quiet {
        space.say();
    }
    let activity = Activity::of(args.quiet, space.list_bytes());
    let mut builder = Builder::new(build_options(args));
    for EntryPair { list, entry } in &retractions {
        builder.retract(list, entry)?;
    }
    let mut added = Vec::new();
    let mut undecided: Vec<(&str, Vec<CodeCount>)> = Vec::new();
    for list in &lists {
        activity.say(format!("reading {}", list.options.name));
        let input = Counting::new(open(list.path)?, &activity);
        match add_list(&mut builder, &list.options, input) {
            Ok(list) => added.push(list),
            // The others are read all the same: all codes are to be told at once.
            Err(AddListError::Undecided { codes, .. }) => undecided.push((&list.options.name, codes)),
            Err(error) => return Err(error.into()),
        }
    }
    if !undecided.is_empty() {
        bail!(codes::refusal(args.json, &undecided)?);
    }
    if is_ambiguous(added.iter().flat_map(|list| &list.codes)) {
        let named = lists.iter().map(|list| &list.options.name[..]);
        let codes: Vec<_> = named.zip(added.iter().map(|list| list.codes.clone())).collect();
        bail!(codes::ambiguity(args.json, &codes)?);
    }
    write(builder, &args.output, &activity)?;
    Ok(Built { lists: added, space })
}

/// Writes the index into its place.
pub(crate) fn write(builder: Builder, output: &Path, activity: &Activity) -> anyhow::Result<()> {
    let written = builder.write_with(output, &mut |what, bytes| activity.written(what, bytes));
    written.map(|_| ()).map_err(|error| match error.source() {
        Some(_) => anyhow!("{error}; check that its folder exists, may be written to and has space"),
        None => error.into(),
    })
}

struct List<'a> {
    path: &'a Path,
    options: ListOptions,
}

/// The lists in the order in which they are read, with what was asked for each.
fn checked_lists(args: &BuildArgs) -> anyhow::Result<Vec<List<'_>>> {
    let matches = args.matches.iter().chain(&args.lists).map(|path| (Role::Match, path));
    let lists: Vec<(Role, &Path)> = matches
        .chain(args.ignores.iter().map(|path| (Role::Ignore, path)))
        .map(|(role, path)| (role, path.as_path()))
        .collect();
    if lists.is_empty() && args.retract.is_empty() {
        bail!("no list given: name at least one, or - for standard input");
    }
    if lists.iter().filter(|(_, path)| is_stdin(path)).count() > 1 {
        bail!("standard input can be only one list: put the others into files");
    }
    let retract = args.retract.iter().map(PathBuf::as_path);
    if let Some(list) =
        lists.iter().map(|list| list.1).chain(retract).find(|list| is_same_file(list, &args.output))
    {
        bail!("the index would replace the list {}: choose another OUT", Locator::from_path(list));
    }
    let site_codes = codes::read(&args.codes)?;
    let names: Vec<String> = lists.iter().map(|(_, path)| list_name(path, &lists)).collect();
    let radii = args.list_radius.iter().map(|(list, _)| list);
    let qualities = args.list_min_quality.iter().map(|(list, _)| list);
    args.read.check_names(&names)?;
    if let Some(unknown) = radii.chain(qualities).find(|list| !names.contains(list)) {
        bail!("no list is called {}: the names are {}", visible(unknown), names.join(", "));
    }
    let of = |list: &str| (last_of(&args.list_radius, list), last_of(&args.list_min_quality, list));
    let with_options = lists.iter().zip(names).map(|((role, path), name)| {
        let (near_radius, min_quality) = of(&name);
        let file = (!is_stdin(path)).then_some(*path);
        let read = args.read.options(&name, file, Some(folder_of(&args.output)))?;
        let options = ListOptions {
            name,
            role: *role,
            read,
            codes: site_codes.clone(),
            ignore_classified: args.ignore_classified,
            keep_partial: args.read.keep_partial,
            near_radius,
            min_quality,
        };
        Ok(List { path, options })
    });
    with_options.collect()
}

/// What was given for a list; the last one holds.
fn last_of<T: Copy>(given: &[(String, T)], list: &str) -> Option<T> {
    given.iter().rev().find(|(name, _)| name == list).map(|(_, value)| *value)
}

/// The entries that are to count no longer, of all files.
fn read_retractions(args: &BuildArgs) -> anyhow::Result<Vec<EntryPair>> {
    let mut retractions = Vec::new();
    for path in &args.retract {
        let shown = Locator::from_path(path);
        let pairs = EntryPairs::new(open(path)?).map_err(|error| anyhow!("{shown}: {error}"))?;
        for pair in pairs {
            retractions.push(pair.map_err(|error| anyhow!("{shown}: {error}"))?);
        }
    }
    Ok(retractions)
}

fn build_options(args: &BuildArgs) -> BuildOptions {
    BuildOptions {
        structure: structure(args.near),
        near_radius: args.near_radius,
        memory: args.memory,
        folder: Some(folder_of(&args.output).to_owned()),
    }
}

/// The structure asked for; `None` leaves the choice to the builder.
pub(crate) fn structure(near: NearArg) -> Option<Structure> {
    match near {
        NearArg::Bk => Some(Structure::Bk),
        NearArg::Mih => Some(Structure::Mih),
        NearArg::Flat => Some(Structure::Flat),
        NearArg::Auto => None,
    }
}

pub(crate) fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(crate) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

pub(crate) fn is_same_file(list: &Path, output: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    !is_stdin(list) && real(list).is_some_and(|list| real(output) == Some(list))
}

pub(crate) fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
    if is_stdin(path) {
        return Ok(Box::new(io::stdin().lock()));
    }
    let shown = Locator::from_path(path);
    if path.is_dir() {
        bail!("{shown} is a folder: name the list itself, or hash pictures with `lykta hash --csv`");
    }
    let file = File::open(path)
        .map_err(|error| anyhow!("cannot open the list {shown}: {error}; check its path and permissions"))?;
    Ok(Box::new(file))
}

/// What a list alone is called: by its file name.
pub(crate) fn lone_name(path: &Path) -> String {
    list_name(path, &[(Role::Match, path)])
}

/// A list is called by its file name; by its path as given when another has the same file name.
fn list_name(path: &Path, lists: &[(Role, &Path)]) -> String {
    if is_stdin(path) {
        return "standard input".to_owned();
    }
    let alone = lists.iter().filter(|(_, other)| other.file_name() == path.file_name()).count() == 1;
    let name = path.file_name().filter(|_| alone).map_or(path, Path::new);
    Locator::from_path(name).to_string()
}

/// Says what was taken and what was not, list by list, and what the index holds.
fn report(args: &BuildArgs, built: &Built) -> anyhow::Result<()> {
    let lists = &built.lists;
    // From the file itself: what is said is what a scan will find in it.
    let index = open_index(&args.output)?;
    let mut out = io::stdout().lock();
    if args.json {
        let mut value = index_info::to_json(&args.output, &index);
        value["disk"] = built.space.to_json();
        for (list, added) in value["lists"].as_array_mut().into_iter().flatten().zip(lists) {
            list["examples"] = examples_json(&added.tally);
            list["codes"] = codes::to_json(&added.codes);
            list["cut_short"] = json!(added.cut_short);
            list["entries_in_the_end"] = json!(added.living);
        }
        writeln!(out, "{value}")?;
        return Ok(());
    }
    for (source, added) in index.sources().iter().zip(lists) {
        index_info::write_source(&mut out, source)?;
        if let Some(living) = added.living {
            writeln!(out, "    {living} entries hold in the end: the list changes and deletes its own")?;
        }
        for code in &added.codes {
            writeln!(out, "    {}", visible(&codes::line(code)))?;
        }
        write_examples(&mut out, &added.tally)?;
        if let Some(cut_short) = &added.cut_short {
            writeln!(out, "    where it was cut: {}", visible(cut_short))?;
        }
    }
    index_info::write_contents(&mut out, &args.output, &index)?;
    Ok(())
}
