//! `lykta list inspect`, and what is told of lists elsewhere too.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};

use anyhow::{anyhow, bail};
use lykta::list::{Format, Proposal, ReadOptions, Reader, Row, Tally, propose};
use lykta::source::{Locator, visible};
use lykta::{CodeCount, Kind};
use serde_json::{Value, json};

use super::index_build::{is_stdin, lone_name, open};
use crate::args::InspectArgs;
use crate::codes;
use crate::progress::{Activity, Counting};

/// Bytes that a mapping is proposed from.
const HEAD: u64 = 64 << 10;

/// Rows that are read without `--all`.
const FIRST_ROWS: u64 = 1_000;

/// Different codes that are counted; what has more is told to have many.
const MOST_SHOWN: usize = 1_000;

pub(crate) fn run(args: &InspectArgs) -> anyhow::Result<u8> {
    let shown = Locator::from_path(&args.list).to_string();
    let total = std::fs::metadata(&args.list).ok().filter(|_| args.all).map(|file| file.len());
    let activity = Activity::of(args.quiet, total);
    activity.say(format!("reading {shown}"));
    let name = lone_name(&args.list);
    args.read.check_names(std::slice::from_ref(&name))?;
    let path = (!is_stdin(&args.list)).then_some(&*args.list);
    let options = args.read.options(&name, path, None)?;
    let mut input = Counting::new(open(&args.list)?, &activity);
    let mut head = Vec::new();
    input
        .by_ref()
        .take(HEAD)
        .read_to_end(&mut head)
        .map_err(|error| anyhow!("cannot read {shown}: {error}"))?;
    let seen = Seen::read(head.as_slice().chain(input), &options, args);
    drop(activity);
    let mut out = io::stdout().lock();
    let seen = match seen {
        Ok(seen) => seen,
        Err(error) => {
            // Of what was recognised, or read as the user said, nothing is proposed.
            use lykta::list::Error::{FirstLine, Headerless, NoHashColumn, UnknownColumn};
            let is_unknown = options.mapping.is_none()
                && options.format.is_none()
                && matches!(
                    error,
                    FirstLine { .. } | Headerless { .. } | NoHashColumn { .. } | UnknownColumn { .. }
                );
            let Some(proposal) = propose(&head).filter(|_| is_unknown) else { bail!("{shown}: {error}") };
            tell_proposal(&shown, &proposal, args.json, &mut out)?;
            return Ok(0);
        }
    };
    if args.json {
        writeln!(out, "{}", seen.to_json(&shown))?;
    } else {
        seen.print(&shown, &mut out)?;
    }
    Ok(0)
}

/// Tells a mapping that may fit a CSV file of unknown columns, and why.
fn tell_proposal(shown: &str, proposal: &Proposal, json: bool, out: &mut impl Write) -> io::Result<()> {
    let Proposal { mapping, reasons } = proposal;
    if json {
        let mapping = mapping.to_string();
        let value = json!({ "v": 1, "list": shown, "format": null, "map": mapping, "reasons": reasons });
        return writeln!(out, "{value}");
    }
    writeln!(
        out,
        "{}: CSV of columns that are not Lykta's; this mapping may fit, look at it first:",
        visible(shown)
    )?;
    writeln!(out, "    --map '{}'", visible(&mapping.to_string()))?;
    reasons.iter().try_for_each(|reason| writeln!(out, "    {}", visible(reason)))
}

/// What was seen of a list.
struct Seen {
    format: Format,
    version: Option<String>,
    tally: Tally,
    /// Entries with a hash of each kind.
    kinds: BTreeMap<Kind, u64>,
    codes: Vec<CodeCount>,
    has_more_codes: bool,
    /// Whether there are more rows, or may be.
    is_start: bool,
    cut_short: Option<String>,
}

impl Seen {
    fn read(input: impl Read, options: &ReadOptions, args: &InspectArgs) -> Result<Self, lykta::list::Error> {
        let mut reader = Reader::new(input, options)?;
        let mut seen = Self {
            format: reader.format(),
            version: None,
            tally: Tally::default(),
            kinds: BTreeMap::new(),
            codes: Vec::new(),
            has_more_codes: false,
            is_start: false,
            cut_short: None,
        };
        let mut codes = BTreeMap::new();
        let mut rows = reader.up_to_cut(args.read.keep_partial);
        for row in &mut rows {
            seen.add(&row?, &mut codes);
            if !args.all && seen.tally.rows == FIRST_ROWS {
                seen.is_start = true;
                break;
            }
        }
        seen.cut_short = rows.cut_short();
        seen.version = reader.version();
        let count =
            |((scheme, version, code), count)| CodeCount { scheme, version, code, count, decided: None };
        seen.codes = codes.into_iter().map(count).collect();
        Ok(seen)
    }

    fn add(&mut self, row: &Row, codes: &mut BTreeMap<(String, String, String), u64>) {
        self.tally.add(row);
        let Row::Accepted(entry) = row else { return };
        entry.hashes.iter().for_each(|hash| *self.kinds.entry(hash.kind()).or_default() += 1);
        if let Some(label) = entry.label.as_ref().filter(|_| entry.categorised) {
            let key = (label.scheme.clone(), label.version.clone(), label.code.clone());
            if codes.len() < MOST_SHOWN || codes.contains_key(&key) {
                *codes.entry(key).or_default() += 1;
            } else {
                self.has_more_codes = true;
            }
        }
    }

    fn print(&self, shown: &str, out: &mut impl Write) -> io::Result<()> {
        let Self { format, version, tally, .. } = self;
        let version = version.as_ref().map_or_else(String::new, |version| format!(", version {version}"));
        writeln!(out, "{}: {} ({format}){}", visible(shown), format.description(), visible(&version))?;
        let which = if self.is_start { "the first " } else { "" };
        writeln!(out, "    {which}{}", rows_text(tally))?;
        for (kind, count) in &self.kinds {
            writeln!(out, "    {kind}: {count} entries")?;
        }
        if tally.photodna > 0 {
            writeln!(out, "    photodna: {} entries, kept and not matched", tally.photodna)?;
        }
        for code in &self.codes {
            writeln!(out, "    {}", visible(&codes::line(code)))?;
        }
        if self.is_start && !self.codes.is_empty() {
            writeln!(out, "    there may be more codes behind the first rows: --all reads everything")?;
        }
        if self.has_more_codes {
            writeln!(out, "    and more codes: check which column holds the code")?;
        }
        write_examples(out, tally)?;
        if let Some(cut_short) = &self.cut_short {
            writeln!(out, "    NOT COMPLETE: {}", visible(cut_short))?;
        }
        if !self.codes.is_empty() {
            writeln!(
                out,
                "    to build an index, say what the codes mean: --codes 'match=... note=... ignore=...'"
            )?;
        }
        Ok(())
    }

    fn to_json(&self, shown: &str) -> Value {
        let Self { format, version, tally, .. } = self;
        let kinds: serde_json::Map<_, _> =
            self.kinds.iter().map(|(kind, count)| (kind.name().to_owned(), json!(count))).collect();
        json!({
            "v": 1, "list": shown, "format": format.name(), "description": format.description(),
            "version": version, "is_start": self.is_start,
            "cut_short": self.cut_short, "rows": tally.rows, "accepted": tally.accepted,
            "deleted": tally.deleted, "rejected": counts_json(&tally.rejected),
            "dropped": counts_json(&tally.dropped), "entries_with": kinds, "photodna": tally.photodna,
            "codes": codes::to_json(&self.codes), "examples": examples_json(tally),
        })
    }
}

pub(crate) fn counts_json(counts: &BTreeMap<lykta::list::Reason, u64>) -> Value {
    counts.iter().map(|(reason, count)| (reason.name().to_owned(), json!(count))).collect()
}

/// What became of rows, in one line with counts by reason.
pub(crate) fn rows_text(tally: &Tally) -> String {
    let reasons = |counts: &BTreeMap<lykta::list::Reason, u64>| {
        let each: Vec<String> = counts.iter().map(|(reason, count)| format!("{reason} {count}")).collect();
        if each.is_empty() { String::new() } else { format!(" ({})", each.join(", ")) }
    };
    let Tally { rows, accepted, deleted, rejected, dropped, .. } = tally;
    let (refused, unused) = (tally.rejected_total(), tally.dropped_total());
    let mut text = format!("{rows} rows: {accepted} accepted, {refused} rejected{}", reasons(rejected));
    if *deleted > 0 {
        text += &format!(", {deleted} deletions");
    }
    if unused > 0 {
        text += &format!(", {unused} values not used{}", reasons(dropped));
    }
    text
}

/// The first rejected rows and unused values of each reason.
pub(crate) fn write_examples(out: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let examples = tally.first.iter().flat_map(|(reason, all)| all.iter().map(move |one| (reason, one)));
    for (reason, example) in examples {
        let what = if example.rejected { "rejected" } else { "value not used" };
        writeln!(out, "    {}: {what} ({reason}): {}", example.position, visible(&example.detail))?;
    }
    Ok(())
}

/// The same as JSON.
pub(crate) fn examples_json(tally: &Tally) -> Value {
    let examples =
        tally.first.iter().flat_map(|(reason, examples)| examples.iter().map(move |one| (reason, one)));
    examples
        .map(|(reason, example)| {
            json!({
                "reason": reason.name(), "row": example.row,
                example.position.unit(): example.position.number() as i64,
                "rejected": example.rejected, "detail": example.detail,
            })
        })
        .collect()
}
