//! `lykta serve audit`.

use std::io::{self, Write};

use lykta::source::{Locator, visible};
use lykta_server::{CheckedAudit, ClientTotals, check_audit};
use serde_json::json;

use crate::args::AuditArgs;

/// Something differs from what was written.
const DIFFERS: u8 = 1;

pub(crate) fn run(args: &AuditArgs) -> anyhow::Result<u8> {
    let found = check_audit(&args.log, args.log_sha256.as_deref())?;
    let differences = differences(&found);
    match args.json {
        true => print_json(args, &found, &differences)?,
        false => print(args, &found, &differences)?,
    }
    Ok(if differences.is_empty() { 0 } else { DIFFERS })
}

/// What is not as it was written, each in a sentence.
fn differences(found: &CheckedAudit) -> Vec<String> {
    let altered = found.altered.map(|(line, altered)| format!("line {line}: {altered}"));
    let torn = (found.torn > 0).then(|| {
        let line = found.lines + 1;
        format!("line {line}: its end is missing, as after a kill: the next start of the service drops it")
    });
    let empty = (found.lines == 0).then(|| "it holds no whole line".to_owned());
    altered.into_iter().chain(torn).chain(empty).collect()
}

fn print(args: &AuditArgs, found: &CheckedAudit, differences: &[String]) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let log = Locator::from_path(&args.log);
    for difference in differences {
        writeln!(out, "{log}: not as it was written: {difference}")?;
    }
    if args.quiet {
        return out.flush();
    }
    if differences.is_empty() {
        writeln!(out, "{log}: {} lines are as written", found.lines)?;
    }
    if let Some([first, last]) = &found.times {
        writeln!(out, "from {} to {}", visible(first), visible(last))?;
    }
    let names = ["client", "requests", "refused", "hashes", "compared files", "hashed files", "matched"];
    let mut rows = vec![names.map(str::to_owned)];
    rows.extend(found.clients.iter().map(|(client, totals)| {
        let ClientTotals { requests, refused, hashes, compared_files, hashed_files, matched } = totals;
        let counts = [requests, refused, hashes, compared_files, hashed_files, matched].map(u64::to_string);
        let [requests, refused, hashes, compared, hashed, matched] = counts;
        [visible(client).to_string(), requests, refused, hashes, compared, hashed, matched]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..names.len()).map(width).collect();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, width))| match column {
            0 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        writeln!(out, "{}", cells.collect::<Vec<_>>().join("  "))?;
    }
    match &args.log_sha256 {
        None => writeln!(out, "note this digest of the last line elsewhere: {}", found.last_sha256)?,
        Some(_) if differences.is_empty() => writeln!(out, "the last line has the digest given")?,
        Some(_) => {}
    }
    out.flush()
}

fn print_json(args: &AuditArgs, found: &CheckedAudit, differences: &[String]) -> io::Result<()> {
    let line = json!({
        "v": 1,
        "path": Locator::from_path(&args.log).to_string(),
        "verified": differences.is_empty(),
        "differences": differences,
        "lines": found.lines,
        "log_sha256": found.last_sha256,
        "log_sha256_given": args.log_sha256,
        "times": found.times,
        "clients": found.clients,
    });
    writeln!(io::stdout().lock(), "{line}")
}
