//! `lykta query`.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::num::NonZeroUsize;
use std::sync::Arc;

use anyhow::Context;
use lykta::scan::Match;
use lykta::source::escape;
use lykta::{Hash, Options, Role, Scanner};
use rayon::prelude::*;
use serde::Serialize;

use crate::args::QueryArgs;
use crate::disputes;
use crate::known::open_indexes;
use crate::say::note;

/// Queries answered together: their near searches share one pass over memory, and their answers
/// are few enough to be held.
const BATCH: usize = 256;

/// Longest line that is taken for a hash, in bytes. The longest hash has 71.
const LONGEST_LINE: usize = 1 << 10;

pub(crate) fn run(args: &QueryArgs) -> anyhow::Result<u8> {
    let disputes = args.dispute.as_deref().map(disputes::read).transpose()?;
    let disputed = disputes.map(|disputes| disputes.entries).unwrap_or_default();
    let indexes = open_indexes(std::iter::once(&args.index).chain(&args.more))?;
    let options = Options {
        radius: args.radius,
        min_quality: args.min_quality,
        disputed: Arc::clone(&disputed),
        ..Options::default()
    };
    let scanner = Scanner::with_indexes(&indexes, options);
    if !args.quiet {
        scanner.near_matching().note().into_iter().for_each(note);
        disputes::note_unknown_lists(&disputed, &indexes);
    }
    if !args.quiet && args.hashes.is_empty() && io::stdin().is_terminal() {
        note("reading from standard input, one kind:hexadecimal a line");
    }
    let jobs = args.jobs.map_or(0, NonZeroUsize::get);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(jobs)
        .build()
        .context("cannot start the threads; try fewer with --jobs")?;
    let mut asked = Asked { found: false, failed: false };
    let mut out = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let mut lines = Lines::new(args);
    loop {
        let group = lines.take(BATCH * pool.current_num_threads())?;
        if group.is_empty() {
            break;
        }
        let answers: Vec<Vec<Answer>> =
            pool.install(|| group.par_chunks(BATCH).map(|batch| answer(batch, &scanner)).collect());
        for answer in answers.iter().flatten() {
            asked.count(answer);
            serde_json::to_writer(&mut out, answer)?;
            writeln!(out)?;
        }
        // An answer is there before the next question is waited for.
        out.flush()?;
    }
    Ok(asked.exit_code())
}

/// One line of the answer.
#[derive(Serialize)]
struct Answer<'a> {
    hash: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    matches: Vec<Match>,
}

fn answer<'a>(batch: &'a [String], scanner: &Scanner<'_>) -> Vec<Answer<'a>> {
    let parsed: Vec<Result<Hash, String>> = batch.iter().map(|text| parse(text)).collect();
    let hashes: Vec<Hash> = parsed.iter().flatten().copied().collect();
    let mut answers = scanner.look_up(&hashes).into_iter();
    let answer = |(hash, parsed)| match parsed {
        Ok(_) => Answer { hash, error: None, matches: answers.next().unwrap_or_default().matches },
        Err(error) => Answer { hash, error: Some(error), matches: Vec::new() },
    };
    batch.iter().map(String::as_str).zip(parsed).map(answer).collect()
}

/// A hash that can be looked up. "No match" must not be said of one that was compared with nothing.
fn parse(text: &str) -> Result<Hash, String> {
    match text.parse() {
        Ok(hash) if hash.is_blank() => Err("all bits equal: such a hash is never compared".to_owned()),
        Ok(Hash::Phash(_) | Hash::Dhash(_)) => Err("no index holds hashes of this kind".to_owned()),
        Ok(hash) => Ok(hash),
        Err(error) => Err(error.to_string()),
    }
}

/// What the exit code says.
struct Asked {
    found: bool,
    failed: bool,
}

impl Asked {
    fn count(&mut self, answer: &Answer<'_>) {
        self.found |= answer.matches.iter().any(|found| found.role == Role::Match);
        self.failed |= answer.error.is_some();
    }

    fn exit_code(&self) -> u8 {
        match (self.failed, self.found) {
            (false, false) => 0,
            (false, true) => 1,
            (true, false) => 3,
            (true, true) => 4,
        }
    }
}

/// The hashes asked for, from the arguments or else from standard input.
enum Lines<'a> {
    Arguments(std::slice::Iter<'a, String>),
    Input(io::BufReader<io::StdinLock<'static>>),
}

impl<'a> Lines<'a> {
    fn new(args: &'a QueryArgs) -> Self {
        if args.hashes.is_empty() {
            Self::Input(io::BufReader::with_capacity(1 << 20, io::stdin().lock()))
        } else {
            Self::Arguments(args.hashes.iter())
        }
    }

    /// Up to `most` hashes, none at the end. Blank lines are passed over.
    fn take(&mut self, most: usize) -> anyhow::Result<Vec<String>> {
        match self {
            Self::Arguments(arguments) => Ok(arguments.by_ref().take(most).cloned().collect()),
            Self::Input(input) => {
                let mut lines = Vec::new();
                // Only what has arrived: whoever waits for an answer before asking again gets it.
                while lines.is_empty() || lines.len() < most && input.buffer().contains(&b'\n') {
                    let Some(line) = read_line(input)? else { break };
                    if !line.is_empty() {
                        lines.push(line);
                    }
                }
                Ok(lines)
            }
        }
    }
}

/// A line without the blanks around it, escaped where it is not UTF-8; `None` at the end.
///
/// Of a line that is too long for any hash, the start: enough to be answered with an error and to
/// be recognised, whatever somebody pipes in.
fn read_line(input: &mut impl BufRead) -> anyhow::Result<Option<String>> {
    let mut line = Vec::new();
    if input.take(LONGEST_LINE as u64).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    if line.len() == LONGEST_LINE && !line.ends_with(b"\n") {
        input.skip_until(b'\n')?;
    }
    let text = line.trim_ascii();
    Ok(Some(String::from_utf8(text.to_vec()).unwrap_or_else(|_| escape(text).into_owned())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_trimmed_bounded_and_never_lossy() {
        let mut input: &[u8] = b" md5:aa\r\n\n\xffb\nend";
        let mut next = || read_line(&mut input).unwrap();
        assert_eq!(next().as_deref(), Some("md5:aa"));
        assert_eq!(next().as_deref(), Some(""));
        assert_eq!(next().as_deref(), Some("\\xffb"));
        assert_eq!(next().as_deref(), Some("end"));
        assert_eq!(next(), None);
    }

    #[test]
    fn of_a_long_line_the_start_is_kept_and_the_next_line_is_whole() {
        for extra in [0, 1, 5000] {
            let long = [vec![b'a'; LONGEST_LINE + extra], b"\nmd5:bb".to_vec()].concat();
            let mut input = &long[..];
            assert_eq!(read_line(&mut input).unwrap().map(|line| line.len()), Some(LONGEST_LINE));
            assert_eq!(read_line(&mut input).unwrap().as_deref(), Some("md5:bb"), "{extra}");
        }
    }
}
