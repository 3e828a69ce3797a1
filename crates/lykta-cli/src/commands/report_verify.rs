//! `lykta report verify`.

use std::io::{self, Write};

use lykta::scan::{Difference, Noted, Verification, verify_report};
use lykta::source::{Locator, visible};
use serde_json::json;

use crate::args::ReportVerifyArgs;
use crate::say::sentence;

/// Something differs from what was written.
const DIFFERS: u8 = 1;

pub(crate) fn run(args: &ReportVerifyArgs) -> anyhow::Result<u8> {
    let noted = Noted { manifest_sha256: args.manifest_sha256.clone(), log_sha256: args.log_sha256.clone() };
    let checked = verify_report(&args.dir, &noted, &std::env::temp_dir()).map_err(anyhow::Error::new);
    if args.json {
        print_json(args, &checked)?;
    }
    let found = checked?;
    if !args.json {
        print(args, &found)?;
    }
    Ok(if found.differences.is_empty() { 0 } else { DIFFERS })
}

fn print(args: &ReportVerifyArgs, found: &Verification) -> io::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let dir = Locator::from_path(&args.dir);
    for Difference { file, line, what } in &found.differences {
        let line = line.map_or_else(String::new, |line| format!(" line {line}"));
        writeln!(out, "{}{line}: {}", visible(file), visible(&what.to_string()))?;
    }
    let all = found.differences.len() as u64 + found.more;
    if found.more > 0 {
        writeln!(out, "and {} more, of kinds that are told above", found.more)?;
    }
    if all > 0 {
        writeln!(
            out,
            "{dir}: not as it was written: {all} {}",
            if all == 1 { "thing differs" } else { "things differ" }
        )?;
    } else if !args.quiet {
        let Verification { files, findings, log_lines, .. } = found;
        writeln!(
            out,
            "{dir}: {files} files beside the manifest, {log_lines} lines of the log and {findings} findings are as written"
        )?;
        for (name, given, found) in [
            ("manifest.json", &args.manifest_sha256, &found.manifest_sha256),
            ("the last line of log.jsonl", &args.log_sha256, &found.log_sha256),
        ] {
            match (given, found) {
                (None, Some(found)) => {
                    writeln!(
                        out,
                        "compare sha256 of {name} with the one noted when the scan ended: {found}"
                    )?;
                }
                _ => writeln!(out, "{name} has the digest given")?,
            }
        }
    }
    out.flush()
}

fn print_json(args: &ReportVerifyArgs, checked: &anyhow::Result<Verification>) -> io::Result<()> {
    let dir = Locator::from_path(&args.dir).to_string();
    let line = match checked {
        Err(error) => json!({ "v": 1, "path": dir, "verified": null, "problem": sentence(error) }),
        Ok(found) => {
            let differences = found.differences.iter().map(|Difference { file, line, what }| {
                json!({ "file": file, "line": line, "what": what.to_string() })
            });
            json!({
                "v": 1,
                "path": dir,
                "verified": found.differences.is_empty(),
                "differences": differences.collect::<Vec<_>>(),
                "more": found.more,
                "files": found.files,
                "findings": found.findings,
                "log_lines": found.log_lines,
                "log_sha256": found.log_sha256,
                "manifest_sha256": found.manifest_sha256,
                "manifest_sha256_given": args.manifest_sha256,
                "log_sha256_given": args.log_sha256,
            })
        }
    };
    writeln!(io::stdout().lock(), "{line}")
}
