//! `lykta query`.
//!
//! ```text
//! one thread: lines --(blocks, numbered)--> threads: parse, look up, format --(in order)--> output
//! ```
//!
//! A block ends where no further line has arrived, so whoever asks one question at a time has each
//! answer before the next question.

mod blocks;
mod explain;

use std::io::{self, IsTerminal, Write};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use anyhow::{Context, anyhow, bail};
use lykta::scan::{self, Match};
use lykta::{Hash, Index, Kind, Options, Scanner};
use serde::Serialize;
use serde_json::Value;

use self::blocks::{Block, Blocks};
use self::explain::Explainer;
use crate::args::QueryArgs;
use crate::chance;
use crate::disputes;
use crate::in_order::{InOrder, Take};
use crate::known::{Load, open_indexes};
use crate::say::note;

pub(crate) fn run(args: &QueryArgs) -> anyhow::Result<u8> {
    let disputes = args.dispute.as_deref().map(disputes::read).transpose()?;
    let disputed = disputes.map(|disputes| disputes.entries).unwrap_or_default();
    let indexes = open_indexes(std::iter::once(&args.index).chain(&args.more), Load::new(args.preload))?;
    let options = Options {
        radius: radius_of(args, Kind::Pdq)?,
        phash_radius: radius_of(args, Kind::Phash)?,
        dhash_radius: radius_of(args, Kind::Dhash)?,
        min_quality: args.min_quality,
        disputed: Arc::clone(&disputed),
        ..Options::default()
    };
    let scanner = Scanner::with_indexes(&indexes, options);
    if !args.quiet {
        scanner.near_matching().note().into_iter().for_each(note);
        note_missing_kinds(args, &indexes);
        disputes::note_unknown_lists(&disputed, &indexes);
        if args.hashes.is_empty() && io::stdin().is_terminal() {
            note("reading from standard input, one kind:hexadecimal a line");
        }
    }
    let asked = Asked {
        explainer: Explainer::new(args, &indexes, &scanner),
        chances: Chances::new(&scanner),
        scanner: &scanner,
    };
    let tally = answer_all(args, &asked)?;
    if tally.retracted > 0 && !args.quiet {
        note(format_args!(
            "matches left out since a later index retracts their entries: {}",
            tally.retracted
        ));
    }
    if tally.kept_back > 0 && !args.quiet {
        note(format_args!(
            "hashes that are near only to entries whose quality is below the gate, which are not compared: {}",
            tally.kept_back
        ));
    }
    Ok(tally.exit_code())
}

/// The radius that the arguments state for a kind.
fn radius_of(args: &QueryArgs, kind: Kind) -> anyhow::Result<Option<u32>> {
    let mut stated = args.radius.iter().filter(|(of, _)| *of == kind);
    match (stated.next(), stated.next()) {
        (Some(_), Some(_)) => bail!("--radius is given twice for {kind}: give one"),
        (radius, _) => Ok(radius.map(|(_, bits)| *bits)),
    }
}

/// "No match" is not the whole truth where there was nothing to match.
fn note_missing_kinds(args: &QueryArgs, indexes: &[Index]) {
    for kind in args.radius.iter().map(|(kind, _)| *kind).filter(|kind| kind.is_support()) {
        if indexes.iter().all(|index| index.hash_count(kind) == 0) {
            note(format!("{kind} compared with nothing: the lists hold none"));
        }
    }
}

/// What answers.
struct Asked<'a> {
    scanner: &'a Scanner<'a>,
    chances: Chances,
    explainer: Option<Explainer<'a>>,
}

fn answer_all(args: &QueryArgs, asked: &Asked<'_>) -> anyhow::Result<Tally> {
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(args.jobs.map_or(0, NonZeroUsize::get))
        .build()
        .context("cannot start the threads; try fewer with --jobs")?;
    let blocks = Blocks::start(&args.hashes, pool.current_num_threads())?;
    let output = InOrder::new(Answers::default(), 2 * pool.current_num_threads());
    pool.broadcast(|_| {
        // A thread that ends without a word would leave the others waiting for its turn.
        let worked = catch_unwind(AssertUnwindSafe(|| work(&blocks, asked, &output)))
            .unwrap_or_else(|_| Err(anyhow!("a query failed by a fault of this program; ask without it")));
        if let Err(error) = worked {
            output.end(error);
            blocks.close();
        }
    });
    Ok(output.finish()?.tally)
}

/// Standard output, and what was written there.
#[derive(Default)]
struct Answers {
    tally: Tally,
}

impl Take for Answers {
    type Piece = (Vec<u8>, Tally);

    fn take(&mut self, (text, tally): Self::Piece) -> anyhow::Result<()> {
        io::stdout().write_all(&text)?;
        self.tally.add(tally);
        Ok(())
    }

    /// An answer is there before the next question is waited for.
    fn pause(&mut self) -> anyhow::Result<()> {
        Ok(io::stdout().flush()?)
    }
}

/// Answers one block after another until there are none.
fn work(blocks: &Blocks, asked: &Asked<'_>, output: &InOrder<Answers>) -> anyhow::Result<()> {
    while let Some(block) = blocks.next()? {
        if !output.put(block.number, answer(&block, asked))? {
            break;
        }
    }
    Ok(())
}

/// The answers to a block, a JSON line each.
fn answer(block: &Block, asked: &Asked<'_>) -> (Vec<u8>, Tally) {
    let Asked { scanner, chances, explainer } = asked;
    let parsed: Vec<Result<Hash, String>> = block.lines().map(|line| parse(line, chances)).collect();
    let hashes: Vec<Hash> = parsed.iter().flatten().copied().collect();
    let mut answers = scanner.look_up(&hashes).into_iter();
    let (mut text, mut tally) = (Vec::with_capacity(2 * block.len()), Tally::default());
    for (line, parsed) in block.lines().zip(parsed) {
        match parsed {
            Ok(hash) => {
                let answer = answers.next().unwrap_or_default();
                tally.count(&answer);
                let explanation = explainer.as_ref().and_then(|explainer| explainer.explain(&hash));
                write_answer(&mut text, line, &answer.matches, chances.of(hash.kind()), explanation);
            }
            Err(error) => {
                tally.failed = true;
                write_line(&mut text, &Line { hash: line, error: Some(error), ..Line::default() });
            }
        }
    }
    (text, tally)
}

/// A hash that can be looked up. "No match" must not be said of one that was compared with nothing.
fn parse(text: &str, chances: &Chances) -> Result<Hash, String> {
    match text.parse::<Hash>() {
        Ok(hash) if hash.is_blank() => Err("all bits equal: such a hash is never compared".to_owned()),
        Ok(hash) if hash.kind().is_support() && chances.of(hash.kind()).is_none() => {
            Err(format!("a radius must be given: --radius {}=BITS", hash.kind()))
        }
        Ok(hash) => Ok(hash),
        Err(error) => Err(error.to_string()),
    }
}

/// How many hits chance gives a hash of each kind; none of a kind that is not compared by distance.
struct Chances(Vec<(Kind, Chance)>);

struct Chance {
    hits: f64,
    /// The end of an answer without matches.
    ending: String,
}

impl Chances {
    fn new(scanner: &Scanner<'_>) -> Self {
        let chance = |kind| {
            let hits = chance::rounded(scanner.expected_random_hits(kind)?);
            let ending = format!(",\"expected_random_hits\":{}}}\n", chance::text(hits));
            Some((kind, Chance { hits, ending }))
        };
        Self(Kind::ALL.into_iter().filter_map(chance).collect())
    }

    fn of(&self, kind: Kind) -> Option<&Chance> {
        self.0.iter().find(|(of, _)| *of == kind).map(|(_, chance)| chance)
    }
}

/// One line of the answer.
#[derive(Default, Serialize)]
struct Line<'a> {
    hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    matches: &'a [Match],
    #[serde(skip_serializing_if = "Option::is_none")]
    expected_random_hits: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explain: Option<Vec<Value>>,
}

/// `hash` was parsed, so it has no character that JSON escapes. Most hashes have no match.
fn write_answer(
    text: &mut Vec<u8>,
    hash: &str,
    matches: &[Match],
    chance: Option<&Chance>,
    explain: Option<Vec<Value>>,
) {
    if !matches.is_empty() || explain.is_some() {
        let expected_random_hits = chance.map(|chance| chance.hits);
        return write_line(text, &Line { hash, error: None, matches, expected_random_hits, explain });
    }
    let ending = chance.map_or("}\n", |chance| &chance.ending);
    for part in [r#"{"hash":""#, hash, "\",\"matches\":[]", ending] {
        text.extend_from_slice(part.as_bytes());
    }
}

#[expect(clippy::unwrap_used, reason = "texts and numbers always serialise, and memory takes them")]
fn write_line(text: &mut Vec<u8>, line: &Line<'_>) {
    serde_json::to_writer(&mut *text, line).unwrap();
    text.push(b'\n');
}

/// What the exit code and the notes say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tally {
    found: bool,
    failed: bool,
    retracted: u64,
    kept_back: u64,
}

impl Tally {
    fn count(&mut self, answer: &scan::Answer) {
        self.found |= answer.matches.iter().any(Match::is_found);
        self.retracted += answer.retracted;
        self.kept_back += u64::from(answer.is_kept_back);
    }

    fn add(&mut self, other: Self) {
        self.found |= other.found;
        self.failed |= other.failed;
        self.retracted += other.retracted;
        self.kept_back += other.kept_back;
    }

    fn exit_code(self) -> u8 {
        match (self.failed, self.found) {
            (false, false) => 0,
            (false, true) => 1,
            (true, false) => 3,
            (true, true) => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_writes_what_the_long_one_does() {
        let hash = "sha1:da39a3ee5e6b4b0d3255bfef95601890afd80709";
        for stated in [true, false] {
            let options = Options { phash_radius: stated.then_some(9), ..Options::default() };
            let chances = Chances::new(&Scanner::with_indexes(&[], options));
            let chance = chances.of(Kind::Phash);
            assert_eq!(chance.is_some(), stated);
            let (mut short, mut long) = (Vec::new(), Vec::new());
            write_answer(&mut short, hash, &[], chance, None);
            let expected_random_hits = chance.map(|chance| chance.hits);
            write_line(&mut long, &Line { hash, expected_random_hits, ..Line::default() });
            assert_eq!(short, long);
        }
    }
}
