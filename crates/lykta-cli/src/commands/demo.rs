//! `lykta demo`: the whole way from a list to a report, on material that the binary brings along.

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::Parser;

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
    let folder = folder(args)?;
    for (name, bytes) in FILES {
        let path = folder.join(name);
        let parent = path.parent().unwrap_or(&folder);
        fs::create_dir_all(parent)
            .and_then(|()| fs::write(&path, bytes))
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    let [list, dump, index, report] =
        ["list.csv", "dump", "list.lykta", "report"].map(|name| folder.join(name));
    let build = words(["lykta", "index", "build", "-o"], [index.clone(), list]);
    let mut scan = words(["lykta", "scan", "--index"], [index, "-o".into(), report, dump]);
    let talks = !args.quiet && !args.json;
    scan.extend(args.json.then(|| "--json".into()));
    scan.extend(args.quiet.then(|| "--quiet".into()));
    perform(build, talks)?;
    perform(scan, talks)
}

fn words<const N: usize>(command: [&str; N], paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
    command.into_iter().map(PathBuf::from).chain(paths).collect()
}

/// Runs a command as if it had been typed, so that the demonstration is what a user would get.
fn perform(words: Vec<PathBuf>, talks: bool) -> anyhow::Result<u8> {
    if talks {
        let typed: Vec<String> = words.iter().map(|word| word.display().to_string()).collect();
        writeln!(io::stdout().lock(), "\n$ {}", typed.join(" "))?;
    }
    match Cli::try_parse_from(words)?.command {
        Command::Index(IndexCommand::Build(build)) if talks => index_build::run(&build),
        Command::Index(IndexCommand::Build(build)) => index_build::build(&build).map(|_| 0),
        Command::Scan(args) => scan::run(&args),
        _ => bail!("the demonstration names a command that it does not know"),
    }
}

/// The folder asked for, if it is empty or not there; else a new one among the temporary files, which
/// stays for the user to look at.
fn folder(args: &DemoArgs) -> anyhow::Result<PathBuf> {
    let Some(folder) = &args.output else {
        let folder = tempfile::Builder::new().prefix("lykta-demo-").tempdir();
        return Ok(folder.context("cannot make a temporary folder; give one with -o")?.keep());
    };
    fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    if fs::read_dir(folder)?.next().is_some() {
        bail!("{} is not empty: choose a new folder", folder.display());
    }
    Ok(folder.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

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
