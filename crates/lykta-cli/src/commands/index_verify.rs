//! `lykta index verify`.

use std::io::{self, Write};

use lykta::Index;
use lykta::source::Locator;
use serde_json::json;

use crate::args::VerifyArgs;
use crate::known::open_verified;
use crate::say::sentence;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<u8> {
    let checked = open_verified(&args.index);
    if args.json {
        print_json(args, &checked)?;
    }
    let index = checked?;
    if !args.quiet && !args.json {
        let path = Locator::from_path(&args.index);
        let (bytes, entries) = (index.byte_len(), index.entry_count());
        let checks = "checksums, order, references and search structure are as they should be";
        writeln!(io::stdout().lock(), "{path}: {bytes} bytes, {entries} entries: {checks}")?;
    }
    Ok(0)
}

fn print_json(args: &VerifyArgs, checked: &anyhow::Result<Index>) -> io::Result<()> {
    let problem = checked.as_ref().err();
    let section = problem.and_then(|error| error.downcast_ref::<lykta::index::Error>()?.section());
    let line = json!({
        "path": Locator::from_path(&args.index).to_string(),
        "verified": checked.is_ok(),
        "section": section,
        "problem": problem.map(sentence),
    });
    writeln!(io::stdout().lock(), "{line}")
}
