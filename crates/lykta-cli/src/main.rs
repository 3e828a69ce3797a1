//! The `lykta` command: arguments, then checked settings, then run, then an exit code.
//!
//! One file a command. Facts go to standard output, everything else to standard error.
#![forbid(unsafe_code)]

mod args;
mod commands;
mod progress;

use std::io;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use args::{Cli, Command, IndexCommand};

/// Could not start, or stopped early.
const STOPPED: u8 = 2;

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            // Whoever reads the output has seen enough; there is nobody left to tell.
            let broken_pipe = error
                .chain()
                .filter_map(|cause| cause.downcast_ref::<io::Error>())
                .any(|cause| cause.kind() == io::ErrorKind::BrokenPipe);
            if !broken_pipe {
                eprintln!("lykta: {error:#}");
            }
            ExitCode::from(STOPPED)
        }
    }
}

fn run(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Index(IndexCommand::Build(args)) => commands::index_build::run(&args),
        Command::Index(IndexCommand::Info(args)) => commands::index_info::run(&args),
        Command::Index(IndexCommand::Verify(args)) => commands::index_verify::run(&args),
        Command::Hash(args) => commands::hash::run(&args),
        Command::Query(args) => commands::query::run(&args),
        Command::Scan(args) => commands::scan::run(&args),
        Command::Demo(args) => commands::demo::run(&args),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "lykta", &mut io::stdout());
            Ok(0)
        }
    }
}
