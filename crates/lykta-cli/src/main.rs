//! The `lykta` command: arguments, then checked settings, then run, then an exit code.
//!
//! One file a command. Facts go to standard output, everything else to standard error.
#![forbid(unsafe_code)]

mod args;
mod chance;
mod codes;
mod commands;
mod countdown;
mod disputes;
mod in_order;
mod interrupt;
mod known;
mod progress;
mod say;
mod space;

use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use args::{Cli, Command, IndexCommand, ListCommand, ReportCommand};

/// Could not start, or stopped early.
const STOPPED: u8 = 2;

fn main() -> ExitCode {
    let command = match Cli::try_parse() {
        Ok(cli) => cli.command,
        Err(error) => return explain(&error),
    };
    if let Command::Worker = command {
        return worker();
    }
    // A panic is a fault to report. Where a scan goes on after one, a trace would bury its results.
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        let text: Vec<&str> = text.split_whitespace().collect();
        say::note(format_args!("internal error, please report it: {}", text.join(" ")));
    }));
    match catch_unwind(AssertUnwindSafe(|| run(command))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            // Whoever reads the output has seen enough; there is nobody left to tell.
            if !say::is_broken_pipe(&error) {
                say::note(say::sentence(&error));
            }
            ExitCode::from(STOPPED)
        }
        Err(_) => ExitCode::from(STOPPED),
    }
}

/// Before there are threads.
#[cfg(unix)]
fn worker() -> ExitCode {
    lykta::scan::worker_main()
}

#[cfg(not(unix))]
fn worker() -> ExitCode {
    ExitCode::from(STOPPED)
}

/// Help where it was asked for or nothing was said at all; else a sentence.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        let _ = error.print();
    } else {
        say::note(say::usage_sentence(error));
    }
    ExitCode::from(STOPPED)
}

fn run(command: Command) -> anyhow::Result<u8> {
    interrupt::watch()?;
    match command {
        Command::Index(IndexCommand::Build(args)) => commands::index_build::run(&args),
        Command::Index(IndexCommand::Info(args)) => commands::index_info::run(&args),
        Command::Index(IndexCommand::Merge(args)) => commands::index_merge::run(&args),
        Command::Index(IndexCommand::Verify(args)) => commands::index_verify::run(&args),
        Command::Compare(args) => commands::compare::run(&args),
        Command::Hash(args) => commands::hash::run(&args),
        Command::Query(args) => commands::query::run(&args),
        Command::Scan(args) => commands::scan::run(&args),
        Command::Cluster(args) => commands::cluster::run(&args),
        Command::List(ListCommand::Inspect(args)) => commands::list_inspect::run(&args),
        Command::List(ListCommand::Apply(args)) => commands::list_apply::run(&args),
        Command::List(ListCommand::Convert(args)) => commands::list_convert::run(&args),
        Command::List(ListCommand::Add(args)) => commands::list_add::run(&args),
        Command::Report(ReportCommand::Verify(args)) => commands::report_verify::run(&args),
        Command::Worker => Ok(STOPPED),
        Command::Serve(args) => commands::serve::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Formats(args) => commands::formats::run(&args),
        Command::Selftest(args) => commands::selftest::run(&args),
        Command::Completions { shell } => {
            // Into memory first: the generator panics when its output fails.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "lykta", &mut script);
            io::stdout().lock().write_all(&script)?;
            Ok(0)
        }
    }
}
