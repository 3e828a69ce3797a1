//! `lykta serve` and what belongs to it.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use lykta_server::Scope;

use super::jobs;
use super::report::sha256;

#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Questions are answered as soon as an index is open; a newer file renamed into its place is checked and taken
into use while requests run. Where no token is configured, one for this run is made and said on standard error, on
loopback only. What the command line says counts more than the configuration. Ctrl-C or
SIGTERM ends it when requests under way are answered. Paths, shapes and a page to read: /docs.
Exit code 0 when it was asked to end; 2 when it could not start.

Examples:
  lykta serve --index list.lykta --no-auth
  curl --data-binary @picture.jpg http://127.0.0.1:8080/v1/match
  lykta serve token --name moderation --scopes match,hash >> lykta.toml
  lykta serve --index base.lykta --index monday.lykta --config lykta.toml
  lykta serve audit audit.jsonl"
)]
pub(crate) struct ServeArgs {
    #[command(subcommand)]
    pub(crate) command: Option<ServeCommand>,
    /// An index file; several are asked as one, and what a later one retracts does not match
    #[arg(long, value_name = "INDEX")]
    pub(crate) index: Vec<PathBuf>,
    /// Configuration; `lykta serve config` prints one with every key
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen: 127.0.0.1:8080 when nothing else is said
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) bind: Option<SocketAddr>,
    /// Mark matches with the entries that this CSV file names (header: list,entry) as disputed
    #[arg(long, value_name = "FILE")]
    pub(crate) dispute: Option<PathBuf>,
    /// Read the indexes into memory before they are used, on huge pages where the system can
    #[arg(long)]
    pub(crate) preload: bool,
    /// Let everybody ask who reaches the port: on loopback only
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Threads that hash and look up; all processors when not given
    #[arg(long, value_name = "N", value_parser = jobs)]
    pub(crate) jobs: Option<NonZeroUsize>,
    /// Write the log as JSON lines
    #[arg(long)]
    pub(crate) json: bool,
    /// Only warnings and errors in the log
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServeCommand {
    /// Make a token for a client
    Token(TokenArgs),
    /// Check an audit log, and add up who asked how many
    Audit(AuditArgs),
    /// Print a configuration with every key at its default
    #[command(after_help = "Example:\n  lykta serve config > lykta.toml")]
    Config {
        /// Accepted for uniformity: there is no progress to be quiet about
        #[arg(short, long)]
        quiet: bool,
    },
}

#[derive(Args, Debug)]
#[command(
    after_help = "The lines for the configuration go to standard output, the token to standard error: it is shown this once and
kept nowhere. Scopes: hash (have files hashed), match (ask whether something is known), distance (see
distances and views in matches), admin (metrics).

Example:
  lykta serve token --name moderation --scopes match,hash >> lykta.toml"
)]
pub(crate) struct TokenArgs {
    /// What the client is called in logs and metrics
    #[arg(long, value_name = "NAME")]
    pub(crate) name: String,
    /// What the token may be used for, separated by commas
    #[arg(long, required = true, value_delimiter = ',', value_name = "SCOPE,...", value_parser = scope)]
    pub(crate) scopes: Vec<Scope>,
    /// Accepted for uniformity: there is no progress to be quiet about
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Each line has the digest of the line before, so a line that was altered, removed or put in between shows in the
next one. Whoever can write the file can write all of it anew: note the digest of the last line elsewhere now and then,
and give it when the log is checked.
Exit code 0 all is as written, 1 something differs, 2 it could not be checked.

Examples:
  lykta serve audit audit.jsonl
  lykta serve audit audit.jsonl --log-sha256 5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
)]
pub(crate) struct AuditArgs {
    /// The file that `audit` in the configuration names
    #[arg(value_name = "FILE")]
    pub(crate) log: PathBuf,
    /// SHA-256 of its last line as noted down
    #[arg(long, value_name = "HEX", value_parser = sha256)]
    pub(crate) log_sha256: Option<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing when all is as written
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

fn scope(word: &str) -> Result<Scope, String> {
    word.parse()
}
