//! `lykta index verify`.

use std::io::{self, Write};

use lykta::Index;
use lykta::source::Locator;
use serde_json::json;

use crate::args::VerifyArgs;

pub(crate) fn run(args: &VerifyArgs) -> anyhow::Result<u8> {
    let path = Locator::from_path(&args.index);
    let checked = Index::open(&args.index).and_then(|index| index.verify().map(|()| index));
    let mut out = io::stdout().lock();
    if args.json {
        let (section, problem) = match &checked {
            Ok(_) => (None, None),
            Err(error) => (error.section(), Some(error.to_string())),
        };
        let path = path.to_string();
        writeln!(
            out,
            "{}",
            json!({ "path": path, "verified": checked.is_ok(), "section": section, "problem": problem })
        )?;
        return Ok(if checked.is_ok() { 0 } else { crate::STOPPED });
    }
    let index = checked?;
    if !args.quiet {
        let checks = "checksums, order, references and search structure are as they should be";
        writeln!(out, "{path}: {} bytes, {} entries: {checks}", index.byte_len(), index.entry_count())?;
    }
    Ok(0)
}
