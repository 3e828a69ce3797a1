//! What is said on standard error: one line each, and never the reason to fail.

use std::fmt;
use std::io::{self, Write};

use lykta::source::visible;

/// Writes a line, with characters that could move the cursor or hide something made visible: names
/// in it may come from anywhere. Whoever closed standard error does not want to know, so a failure is ignored:
/// `eprintln!` would panic instead.
pub(crate) fn note(text: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "lykta: {}", visible(&text.to_string()));
}

/// An error and its causes as one sentence. A cause that the text has already is not said again:
/// most errors name theirs.
pub(crate) fn sentence(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    // What failed without a word about what it was is output: everything else is named where it is
    // opened.
    let bare = |error: &(dyn std::error::Error + 'static)| {
        error.is::<io::Error>() || error.is::<serde_json::Error>()
    };
    if error.chain().next().is_some_and(bare) {
        text = format!("cannot write the output: {text}; check where it goes to and run the command again");
    }
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text += &format!(": {cause}");
        }
    }
    text
}

/// Whether output failed because its reader has seen enough.
pub(crate) fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        // This one does not name the error of the writer as its source.
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}

/// What is wrong with the arguments as one sentence, with the command that explains them.
pub(crate) fn usage_sentence(error: &clap::Error) -> String {
    let rendered = error.render().to_string();
    let (problem, usage) = match rendered.split_once("\nUsage: ") {
        Some((problem, usage)) => (problem, usage),
        None => (rendered.split("\nFor more information").next().unwrap_or_default(), "lykta"),
    };
    let problem: Vec<&str> = problem.trim_start_matches("error: ").split_whitespace().collect();
    let is_command = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase());
    let command: Vec<&str> = usage.split_whitespace().take_while(is_command).collect();
    format!("{}; see `{} --help`", problem.join(" "), command.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::Cli;
    use clap::Parser;

    #[test]
    fn a_cause_is_said_once() {
        let io = || io::Error::other("disk on fire");
        let named = anyhow::Error::new(io()).context("cannot read x: disk on fire; check the disk");
        assert_eq!(sentence(&named), "cannot read x: disk on fire; check the disk");
        let bare = anyhow::Error::new(io()).context("cannot read x");
        assert_eq!(sentence(&bare), "cannot read x: disk on fire");
        let output = sentence(&io().into());
        assert!(output.starts_with("cannot write the output: disk on fire; "), "{output}");
    }

    /// Lines of JSON went to `head -1`, and the error said so: the JSON writer hides whose it was.
    #[test]
    fn a_broken_pipe_is_seen_through_a_json_error() {
        struct Closed;
        impl Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let error = serde_json::to_writer(Closed, &1).unwrap_err();
        assert!(is_broken_pipe(&error.into()));
        assert!(!is_broken_pipe(&io::Error::other("full").into()));
    }

    #[test]
    fn a_usage_error_is_one_sentence_that_names_the_help() {
        let said = |words: &[&str]| usage_sentence(&Cli::try_parse_from(words).unwrap_err());
        let missing = said(&["lykta", "hash"]);
        assert!(missing.contains("<PATH>...") && missing.ends_with("; see `lykta hash --help`"), "{missing}");
        let unknown = said(&["lykta", "index", "build", "--nope"]);
        assert!(unknown.contains("--nope") && unknown.ends_with("`lykta index build --help`"), "{unknown}");
        let value = said(&["lykta", "scan", "--index", "i", "--radius", "300", "p"]);
        assert!(value.contains("0 to 256") && value.ends_with("`lykta --help`"), "{value}");
    }
}
