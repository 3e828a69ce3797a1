//! What can be typed behind `lykta list`, and how lists are read.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{anyhow, bail};
use clap::{Args, Subcommand, ValueEnum};
use lykta::list::{Format, Mapping, ReadOptions};
use lykta::source::{Locator, visible};
use lykta::{Codes, Kind, Ruling};

/// How hash lists are read.
#[derive(Args, Debug)]
pub(crate) struct ReadArgs {
    /// Read lists as this format instead of recognising it: csv, the kind of a plain list, vics, icse,
    /// nsrl, b3sum... (`lykta list inspect --help` names all); LIST=FORMAT is for one list, by its name
    /// in results
    #[arg(long, value_name = "[LIST=]FORMAT", value_parser = list_format)]
    pub(crate) format: Vec<(Option<String>, Format)>,
    /// What the columns of CSV files are: 'sha1=Hash,label_code=Severity', or a TOML file that says so
    /// (docs/lists.md); `lykta list inspect` proposes one. Lists with a format of their own by --format
    /// LIST=FORMAT are not read by it
    #[arg(long, value_name = "MAPPING|FILE")]
    pub(crate) map: Option<String>,
    /// Take what there is of a list that was cut short; the index then says so
    #[arg(long)]
    pub(crate) keep_partial: bool,
}

impl ReadArgs {
    /// How to read the list of this name. `path` is where it is, when it is a file.
    pub(crate) fn options(
        &self,
        list: &str,
        path: Option<&Path>,
        folder: Option<&Path>,
    ) -> anyhow::Result<ReadOptions> {
        let format = self.format_of(list);
        let mapping =
            if format.is_none_or(|format| format == Format::Mapped) { self.mapping()? } else { None };
        Ok(ReadOptions {
            format,
            mapping,
            // A pipe is no file that could be read twice.
            path: path.filter(|path| path.is_file()).map(Path::to_path_buf),
            folder: folder.map(Path::to_path_buf),
        })
    }

    /// The mapping as it was given, or as its file has it.
    fn mapping(&self) -> anyhow::Result<Option<Mapping>> {
        let Some(given) = &self.map else { return Ok(None) };
        let path = Path::new(given);
        if path.extension() != Some("toml".as_ref()) {
            return given.parse().map(Some).map_err(|error| anyhow!("--map: {error}"));
        }
        let shown = Locator::from_path(path);
        let text = fs::read_to_string(path)
            .map_err(|error| anyhow!("cannot read the mapping in {shown}: {error}; check the path"))?;
        Mapping::from_toml(&text).map(Some).map_err(|error| anyhow!("{shown}: {error}"))
    }

    /// Refuses a format for a list that is not there.
    pub(crate) fn check_names(&self, names: &[String]) -> anyhow::Result<()> {
        let given = self.format.iter().filter_map(|(list, _)| list.as_ref());
        match given.into_iter().find(|list| !names.contains(list)) {
            Some(other) => bail!("no list is called {}: the names are {}", visible(other), names.join(", ")),
            None => Ok(()),
        }
    }

    /// The format that was given for a list: its own outranks the one for all.
    fn format_of(&self, list: &str) -> Option<Format> {
        let last = |name: Option<&str>| {
            self.format.iter().rev().find(|(given, _)| given.as_deref() == name).map(|(_, format)| *format)
        };
        last(Some(list)).or(last(None))
    }
}

/// `FORMAT` or `LIST=FORMAT`. The name of a list may have a `=` in it.
fn list_format(text: &str) -> Result<(Option<String>, Format), String> {
    let (list, format) = match text.rsplit_once('=') {
        Some((list, format)) => (Some(list.to_owned()), format),
        None => (None, text),
    };
    format.parse().map(|format| (list, format)).map_err(|error: lykta::list::UnknownFormat| error.to_string())
}

/// What codes of categorised lists mean.
#[derive(Args, Debug)]
pub(crate) struct CodesArgs {
    /// What codes of categorised lists mean: 'match=1,2 note=3 ignore=0,uncategorised'; for one scheme or
    /// region with its name in front: 'projectvic/US: match=1,2'
    #[arg(long, value_name = "RULES", value_parser = codes)]
    pub(crate) codes: Vec<Codes>,
    /// The same from a TOML file of the site, which may give codes its own words too; docs/lists.md
    /// describes it
    #[arg(long, value_name = "FILE")]
    pub(crate) codes_file: Option<PathBuf>,
}

/// Rules for codes.
fn codes(text: &str) -> Result<Codes, String> {
    text.parse().map_err(|error: lykta::CodesError| error.to_string())
}

#[derive(Debug, Subcommand)]
pub(crate) enum ListCommand {
    /// Say what a hash list is, and what it holds
    Inspect(InspectArgs),
    /// Write hash lists as CSV, hashdeep or JSON Lines
    Convert(ConvertArgs),
    /// Keep a list up to date: take deliveries, write what to add to an index
    Apply(ApplyArgs),
    /// Add what was decided to a local list
    Add(AddArgs),
}

#[derive(Args, Debug)]
#[command(
    after_help = "Takes the rows of FILE whose decision is what --take says, and adds them to LIST, a CSV list that
`lykta index build` accepts. Hashes are those of the row, or those that FAMILIES has for its id. Who
decided, when, and whether it was viewed stays in LIST. What LIST has already is skipped. When anything
is wrong with any row, all of it is said and nothing is written. Keep one LIST for each decision. Where the
scheme of decisions is a published one, such as IWF or Project VIC, `lykta index build` wants --codes for LIST.

Examples:
  lykta list add --decisions families.csv local.csv
  lykta list add --decisions decided.csv --families families.jsonl local.csv
  lykta list add --decisions families.csv --take ignore no-interest.csv"
)]
pub(crate) struct AddArgs {
    /// The decisions: a CSV file with columns id, decision, scheme, code, by, at and viewed
    #[arg(long, value_name = "FILE")]
    pub(crate) decisions: PathBuf,
    /// Where hashes are that FILE lacks: the output of `lykta cluster`, JSON lines or CSV
    #[arg(long, value_name = "FAMILIES")]
    pub(crate) families: Option<PathBuf>,
    /// Which decision becomes rows of LIST
    #[arg(long, value_enum, default_value_t = TakeArg::Match)]
    pub(crate) take: TakeArg,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// Print nothing when all went well
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The list to add to; made when it is not there
    #[arg(value_name = "LIST")]
    pub(crate) list: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TakeArg {
    /// What is to be found
    Match,
    /// What is worth reporting
    Note,
    /// What is of no interest
    Ignore,
}

impl TakeArg {
    pub(crate) fn ruling(self) -> Ruling {
        match self {
            Self::Match => Ruling::Match,
            Self::Note => Ruling::Note,
            Self::Ignore => Ruling::Ignore,
        }
    }
}

#[derive(Args, Debug)]
#[command(
    after_help = "Reads the first 1,000 rows, or all of them with --all, and says what they are: format, version, rows
accepted and rejected, kinds of hash, codes with their counts and published names. Of a CSV file of
unknown columns, a mapping for --map is proposed. Nothing is written.

Formats: csv, mapped-csv, md5, sha1, sha256, blake3, pdq, phash, dhash (plain lists), vics (Project VIC,
CAID), icse (INTERPOL), nsrl, nsrl-sqlite, nsrl-sql, hashdeep, sums (md5sum, sha1sum, sha256sum, md5deep),
b3sum, hashkeeper, ilook, encase, ncmec, threatexchange, stopncii; each also in gzip, zstd or zip.

Exit code 0 when it can be read, whatever became of its rows, and when it is CSV for which a mapping is
proposed; 2 otherwise.

Examples:
  lykta list inspect partner.json
  lykta list inspect --all NSRLFile.txt.gz
  lykta list inspect --json unknown.csv"
)]
pub(crate) struct InspectArgs {
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// Read all rows, not only the first 1,000
    #[arg(long)]
    pub(crate) all: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The list; - is standard input
    #[arg(value_name = "LIST")]
    pub(crate) list: PathBuf,
}

#[derive(Args, Debug)]
#[command(
    after_help = "Entries come in the order of the lists. CSV and JSON Lines hold everything that Lykta knows of an entry;
CSV is read back to the same. Names are written as they are: a spreadsheet may take some for formulas.
hashdeep holds size, digests and name: an entry without one of these cannot be written and is counted. So
is, in CSV, one with a byte of value 0, or so long that its row could not be read back.

Exit code 0; 3 when rows were rejected, entries could not be written, or a list that was cut short was taken
with --keep-partial; 2 when a list cannot be read.

Examples:
  lykta list convert partner.json -o partner.csv
  lykta list convert --to hashdeep --kind md5,sha1 nsrl.zip -o known.txt
  lykta list convert --to jsonl a.csv b.json | jq .md5"
)]
pub(crate) struct ConvertArgs {
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    /// The form to write
    #[arg(long, value_enum, default_value_t = ConvertTo::Csv)]
    pub(crate) to: ConvertTo,
    /// Digests for hashdeep, separated by commas: md5, sha1, sha256; those of the first entry when not given
    #[arg(long, value_delimiter = ',', value_name = "KIND,...")]
    pub(crate) kind: Vec<Kind>,
    /// The file to write, replaced when complete; standard output when not given
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// No progress, no word on what was rejected
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The lists; - is standard input
    #[arg(required = true, value_name = "LIST")]
    pub(crate) lists: Vec<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ConvertTo {
    /// Lykta's own CSV
    Csv,
    /// hashdeep's format
    Hashdeep,
    /// One JSON object a line
    Jsonl,
}

#[derive(Args, Debug)]
#[command(
    after_help = "STORE keeps one list across its deliveries: whole lists, changes, deletions. It is made when it is not
there. The FILEs are taken all or none: killed at any moment, the command can be given again, and ends
as if it had not been killed. Entries of lists that name them (NCMEC, ThreatExchange, StopNCII, NSRL) are
replaced and deleted by their names; in others an entry is what its row says, and goes when --whole FILEs
do not have it.

--base writes an index of everything; -o writes what is new since that base, with retractions of what counts
no longer. Give both to scan and query, the base first: together they answer as a new base would.

Exit code 0 when it was done, 2 when nothing was changed; when only an index could not be written, the
message says that the deliveries are kept.

Examples:
  lykta list apply ncmec.store monday.xml --base ncmec.lykta --codes 'match=A1,A2 note=B1,B2,uncategorised'
  lykta list apply ncmec.store tuesday.xml -o ncmec-new.lykta --codes-file site.toml
  lykta scan --index ncmec.lykta --index ncmec-new.lykta evidence/
  lykta list apply vic.store --whole part1.json part2.json -o vic-new.lykta --codes-file site.toml"
)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) read: ReadArgs,
    #[command(flatten)]
    pub(crate) codes: CodesArgs,
    /// What the list is called in results, given when the store is made; else it is called as the store's file
    #[arg(long, value_name = "NAME")]
    pub(crate) list: Option<String>,
    /// The FILEs together are the whole list: what none of them has counts no longer
    #[arg(long, requires = "files")]
    pub(crate) whole: bool,
    /// The list is of files of no interest: it acts on digests only. Given when the store is made, and kept
    #[arg(long)]
    pub(crate) ignore: bool,
    /// Take it as such although it classifies entries
    #[arg(long, requires = "ignore")]
    pub(crate) ignore_classified: bool,
    /// The index to write of everything; what counts now is the base from then on
    #[arg(long, value_name = "BASE")]
    pub(crate) base: Option<PathBuf>,
    /// The index to write of what is new since the base
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: Option<PathBuf>,
    /// Memory for hashes before temporary files in the folder of the index take them: 64M or more
    #[arg(long, value_name = "SIZE", value_parser = super::size, default_value = "1G")]
    pub(crate) memory: u64,
    /// Print the result as JSON
    #[arg(long)]
    pub(crate) json: bool,
    /// No progress
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// The store of the list
    #[arg(value_name = "STORE")]
    pub(crate) store: PathBuf,
    /// Deliveries, in order
    #[arg(value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}
