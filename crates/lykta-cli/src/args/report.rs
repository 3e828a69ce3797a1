//! What can be typed after `lykta report`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum ReportCommand {
    /// Check that a report is as a scan wrote it
    Verify(ReportVerifyArgs),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Compared are: manifest.json and the last line of log.jsonl with the digests given, which `lykta scan`
printed; every file with what the manifest says of it; the files that are there with those it lists; the
lines of log.jsonl with one another, and with the lines of findings.jsonl. Without a digest, somebody who altered all files alike is not
noticed. Nothing is written into DIR.
Exit code 0 all is as written, 1 something differs and each is named, 2 it could not be checked.

Examples:
  lykta report verify report
  lykta report verify report --manifest-sha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03
  lykta report verify --json report"
)]
pub(crate) struct ReportVerifyArgs {
    /// The folder that `lykta scan -o` wrote
    #[arg(value_name = "DIR")]
    pub(crate) dir: PathBuf,
    /// SHA-256 of manifest.json as noted down when the scan ended
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) manifest_sha256: Option<String>,
    /// SHA-256 of the last line of log.jsonl as noted down when the scan ended
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) log_sha256: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing when all is as written
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

pub(crate) fn sha256(text: &str) -> Result<String, String> {
    let is_digest = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let digest = is_digest.then(|| text.to_ascii_lowercase());
    digest.ok_or_else(|| "a SHA-256 has 64 hexadecimal digits".to_owned())
}
