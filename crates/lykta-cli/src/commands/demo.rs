//! `lykta demo`: the whole way from a list to a report, on material that the binary brings along.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use lykta::source::Locator;
use serde_json::Value;

use crate::args::{Cli, Command, DemoArgs, IndexCommand};
use crate::commands::{index_build, scan};

/// The files of testdata/demo, which testdata/generator makes.
macro_rules! files {
    ($($name:literal,)*) => {
        &[$(($name, include_bytes!(concat!("../../../../testdata/demo/", $name)))),*]
    };
}

const FILES: &[(&str, &[u8])] = files![
    "list.csv",
    "dump/camera/IMG_0001.jpg",
    "dump/camera/IMG_0002.jpg",
    "dump/camera/IMG_0003.jpg",
    "dump/downloads/chat/grey.jpg",
    "dump/downloads/chat/mirrored.jpg",
    "dump/downloads/chat/turned.jpg",
    "dump/downloads/screenshot.png",
    "dump/downloads/small copy.jpg",
    "dump/other/empty",
    "dump/other/flat.png",
    "dump/other/holiday.webp",
    "dump/other/läs mig.txt",
];

pub(crate) fn run(args: &DemoArgs) -> anyhow::Result<u8> {
    let folder = match &args.output {
        Some(folder) => new_folder(folder)?,
        None => {
            let folder = tempfile::Builder::new().prefix("lykta-demo-").tempdir();
            // It stays, for the user to look at.
            folder.context("cannot make a temporary folder; give one with -o")?.keep()
        }
    };
    for (name, bytes) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent).and_then(|()| fs::write(&path, bytes)).with_context(|| {
            format!("cannot write {}; choose a folder with -o", Locator::from_path(&path))
        })?;
    }
    let [list, dump, index, report] =
        ["list.csv", "dump", "list.lykta", "report"].map(|name| folder.join(name));
    let build = words(["lykta", "index", "build", "-o"], [index.clone(), list]);
    let mut scan = words(["lykta", "scan", "--index"], [index, "-o".into(), report, dump]);
    let talks = !args.quiet && !args.json;
    scan.extend(args.json.then(|| "--json".into()));
    scan.extend(args.quiet.then(|| "--quiet".into()));
    perform(build, talks)?;
    let code = perform(scan, talks)?;
    if talks {
        say_what_was_found(&folder)?;
    }
    Ok(code)
}

fn words<const N: usize>(command: [&str; N], paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    command.into_iter().map(PathBuf::from).chain(paths).collect()
}

/// Runs a command as if it had been typed, so that the demonstration is what a user would get.
fn perform(words: Vec<PathBuf>, talks: bool) -> anyhow::Result<u8> {
    if talks {
        let typed: Vec<String> = words.iter().map(|word| Locator::from_path(word).to_string()).collect();
        writeln!(io::stdout().lock(), "\n$ {}", typed.join(" "))?;
    }
    match Cli::try_parse_from(words)?.command {
        Command::Index(IndexCommand::Build(build)) if talks => index_build::run(&build),
        Command::Index(IndexCommand::Build(build)) => index_build::build(&build).map(|_| 0),
        Command::Scan(args) => scan::run(&args),
        _ => bail!("the demonstration names a command that it does not know"),
    }
}

/// The findings of the report as a person would tell of them, one line each.
fn say_what_was_found(folder: &Path) -> anyhow::Result<()> {
    let lines = fs::read_to_string(folder.join("report/findings.jsonl"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "\nfound:")?;
    for line in lines.lines() {
        let finding: Value = serde_json::from_str(line)?;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let path = text(&finding["locator"][0]);
        let found = &finding["matches"][0];
        let how = match found["kind"] == "pdq" {
            true => format!(
                "looks alike ({} bits of 256 differ, view {})",
                found["distance"],
                text(&found["view"])
            ),
            false => "the same bytes".to_owned(),
        };
        let name = Path::new(&path).strip_prefix(folder).map_or(Path::new(&path), |name| name);
        writeln!(out, "  {:<34} {:<13} {how}", Locator::from_path(name).to_string(), text(&found["entry"]))?;
    }
    Ok(())
}

/// The folder asked for, if it is empty or can be made.
pub(crate) fn new_folder(folder: &Path) -> anyhow::Result<PathBuf> {
    let shown = Locator::from_path(folder);
    let made = fs::create_dir_all(folder).and_then(|()| fs::read_dir(folder));
    let mut entries = made.with_context(|| format!("cannot make the folder {shown}; choose another"))?;
    if entries.next().is_some() {
        bail!("{shown} is not empty: choose a new folder");
    }
    Ok(folder.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_demonstration_is_bundled() {
        let mut stored = Vec::new();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/demo");
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                match path.is_dir() {
                    true => folders.push(path),
                    false => stored.push(path.strip_prefix(&root).unwrap().to_owned()),
                }
            }
        }
        stored.sort();
        let mut bundled: Vec<PathBuf> = FILES.iter().map(|(name, _)| name.into()).collect();
        bundled.sort();
        assert_eq!(bundled, stored);
    }
}
