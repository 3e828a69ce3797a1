//! `lykta index build`.

use std::error::Error as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

use anyhow::{anyhow, bail};
use lykta::index::Structure;
use lykta::list::Tally;
use lykta::source::{Locator, visible};
use lykta::{BuildOptions, Builder, ListOptions, Role, add_list};
use serde_json::json;

use super::index_info;
use crate::args::{BuildArgs, NearArg};
use crate::known::open_index;
use crate::progress::{Activity, Counting};

pub(crate) fn run(args: &BuildArgs) -> anyhow::Result<u8> {
    let tallies = build(args)?;
    report(args, &tallies)?;
    Ok(0)
}

/// Builds the index, and says what became of the rows of each list.
pub(crate) fn build(args: &BuildArgs) -> anyhow::Result<Vec<Tally>> {
    let matches = args.matches.iter().chain(&args.lists).map(|path| (Role::Match, path));
    let lists: Vec<(Role, &Path)> = matches
        .chain(args.ignores.iter().map(|path| (Role::Ignore, path)))
        .map(|(role, path)| (role, path.as_path()))
        .collect();
    if lists.is_empty() {
        bail!("no list given: name at least one, or - for standard input");
    }
    if lists.iter().filter(|(_, path)| is_stdin(path)).count() > 1 {
        bail!("standard input can be only one list: put the others into files");
    }
    if let Some((_, list)) = lists.iter().find(|(_, list)| is_same_file(list, &args.output)) {
        bail!("the index would replace the list {}: choose another OUT", Locator::from_path(list));
    }
    let options = BuildOptions {
        structure: match args.near {
            NearArg::Bk => Some(Structure::Bk),
            NearArg::Mih => Some(Structure::Mih),
            NearArg::Flat => Some(Structure::Flat),
            NearArg::Auto => None,
        },
        near_radius: args.near_radius,
        memory: args.memory,
        folder: Some(folder_of(&args.output).to_owned()),
    };
    let mut builder = Builder::new(options);
    let mut tallies = Vec::new();
    let activity = Activity::new(args.quiet);
    for (role, path) in &lists {
        let name = list_name(path, &lists);
        activity.say(format!("reading {name}"));
        let options =
            ListOptions { name, role: *role, format: args.format, ignore_classified: args.ignore_classified };
        let input = Counting::new(open(path)?, &activity);
        tallies.push(add_list(&mut builder, &options, input)?);
    }
    activity.say(format!("sorting and writing {}", Locator::from_path(&args.output)));
    builder.write(&args.output).map_err(|error| match error.source() {
        Some(_) => anyhow!("{error}; check that its folder exists, may be written to and has space"),
        None => error.into(),
    })?;
    Ok(tallies)
}

fn folder_of(output: &Path) -> &Path {
    output.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

fn is_same_file(list: &Path, output: &Path) -> bool {
    let real = |path: &Path| fs::canonicalize(path).ok();
    !is_stdin(list) && real(list).is_some_and(|list| real(output) == Some(list))
}

fn open(path: &Path) -> anyhow::Result<Box<dyn Read>> {
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
fn report(args: &BuildArgs, tallies: &[Tally]) -> anyhow::Result<()> {
    // From the file itself: what is said is what a scan will find in it.
    let index = open_index(&args.output)?;
    let mut out = io::stdout().lock();
    if args.json {
        let mut value = index_info::to_json(&args.output, &index);
        for (list, tally) in value["lists"].as_array_mut().into_iter().flatten().zip(tallies) {
            list["examples"] = tally
                .first
                .iter()
                .flat_map(|(reason, examples)| examples.iter().map(move |example| (reason, example)))
                .map(|(reason, example)| {
                    json!({
                        "reason": reason.name(), "row": example.row, "line": example.line,
                        "rejected": example.rejected, "detail": example.detail,
                    })
                })
                .collect();
        }
        writeln!(out, "{value}")?;
        return Ok(());
    }
    for (source, tally) in index.sources().iter().zip(tallies) {
        index_info::write_source(&mut out, source)?;
        for example in tally.first.values().flatten() {
            let what = if example.rejected { "rejected" } else { "value not used" };
            writeln!(out, "    line {}: {what}: {}", example.line, visible(&example.detail))?;
        }
    }
    index_info::write_contents(&mut out, &args.output, &index)?;
    Ok(())
}
