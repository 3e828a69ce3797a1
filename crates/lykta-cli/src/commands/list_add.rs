//! `lykta list add`.

use std::fs::File;
use std::io::{self, Write};

use anyhow::anyhow;
use lykta::source::Locator;
use lykta::{Added, FamilyHashes, LocalList, Ruling};
use serde_json::json;

use super::cluster::{read_decisions, told};
use crate::args::AddArgs;

pub(crate) fn run(args: &AddArgs) -> anyhow::Result<u8> {
    let decisions = read_decisions(&args.decisions)?;
    let mut list = LocalList::open(&args.list)?;
    let families = match &args.families {
        None => FamilyHashes::default(),
        Some(path) => {
            let shown = Locator::from_path(path);
            let file = File::open(path).map_err(|error| {
                anyhow!("cannot open the families {shown}: {error}; check the path and its permissions")
            })?;
            FamilyHashes::read(file).map_err(|error| anyhow!("{shown}: {error}"))?
        }
    };
    let shown = Locator::from_path(&args.decisions);
    let taken = list.add(&decisions, &families, args.take.ruling());
    let added = taken.map_err(|errors| told(&shown, errors))?;
    if added.added > 0 {
        list.save()?;
    }
    report(args, &added)?;
    Ok(0)
}

fn report(args: &AddArgs, added: &Added) -> anyhow::Result<()> {
    let list = Locator::from_path(&args.list).to_string();
    let of = |ruling: Ruling| added.decided.get(&ruling).copied().unwrap_or(0);
    let mut out = io::stdout().lock();
    if args.json {
        let decided: serde_json::Map<_, _> =
            Ruling::ALL.into_iter().map(|ruling| (ruling.name().to_owned(), of(ruling).into())).collect();
        let value = json!({
            "v": 1, "list": list, "take": args.take.ruling().name(), "rows": added.rows,
            "decisions": decided, "added": added.added, "already": added.already,
        });
        writeln!(out, "{value}")?;
    } else if !args.quiet {
        let decided: Vec<String> =
            Ruling::ALL.into_iter().map(|ruling| format!("{} {}", ruling.name(), of(ruling))).collect();
        writeln!(out, "{} rows: {}", added.rows, decided.join(", "))?;
        writeln!(out, "{list}: {} rows added, {} there already", added.added, added.already)?;
    }
    Ok(())
}
