//! `lykta index merge`.

use std::io::{self, Write};
use std::path::PathBuf;

use lykta::index::Entry;
use lykta::source::Locator;
use lykta::{BuildOptions, Builder, Index};

use super::index_build::{folder_of, structure, write};
use super::index_info;
use crate::args::MergeArgs;
use crate::known::{Load, open_index, open_undamaged};
use crate::progress::Activity;
use crate::space::Space;

pub(crate) fn run(args: &MergeArgs) -> anyhow::Result<u8> {
    let space =
        Space::needed(args.indexes.iter().map(PathBuf::as_path), args.memory, folder_of(&args.output));
    if !args.quiet {
        space.say();
    }
    let activity = Activity::new(args.quiet);
    let mut indexes = Vec::new();
    for path in &args.indexes {
        activity.say(format!("checking {}", Locator::from_path(path)));
        indexes.push(open_undamaged(path, Load::Mapped)?);
    }
    let radii = indexes.iter().map(Index::near_radius);
    let mut builder = Builder::new(BuildOptions {
        structure: structure(args.near),
        near_radius: args.near_radius.or(radii.max()).unwrap_or_default(),
        memory: args.memory,
        folder: Some(folder_of(&args.output).to_owned()),
    });
    for (at, (index, path)) in indexes.iter().zip(&args.indexes).enumerate() {
        activity.say(format!("reading {}", Locator::from_path(path)));
        let later = &indexes[at + 1..];
        builder.add_index(index, |entry| !is_retracted(entry, later))?;
    }
    write(builder, &args.output, &activity)?;
    drop(activity);
    report(args, &indexes, &space)?;
    Ok(0)
}

fn is_retracted(entry: &Entry<'_>, later: &[Index]) -> bool {
    // Most indexes retract nothing, and most entries have no name to be put together.
    later.iter().any(|index| {
        index.retractions().len() > 0 && index.retracts(&entry.source.name, &entry.name_or_row())
    })
}

fn report(args: &MergeArgs, indexes: &[Index], space: &Space) -> anyhow::Result<()> {
    let merged = open_index(&args.output)?;
    let before: u64 = indexes.iter().map(Index::entry_count).sum();
    let left_out = before - merged.entry_count();
    let mut out = io::stdout().lock();
    if args.json {
        let mut value = index_info::to_json(&args.output, &merged);
        value["disk"] = space.to_json();
        value["entries_left_out"] = left_out.into();
        writeln!(out, "{value}")?;
        return Ok(());
    }
    for source in merged.sources() {
        index_info::write_source(&mut out, source)?;
    }
    index_info::write_contents(&mut out, &args.output, &merged)?;
    if left_out > 0 {
        writeln!(out, "    {left_out} entries left out, since a later index retracts them")?;
    }
    Ok(())
}
