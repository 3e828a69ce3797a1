//! `lykta serve`.

mod audit;

use std::io::{self, Write};

use lykta_server::{Config, EXAMPLE, NewToken, Server, log_to_stderr};

use crate::args::{ServeArgs, ServeCommand, TokenArgs};
use crate::interrupt;
use crate::say::note;

pub(crate) fn run(args: &ServeArgs) -> anyhow::Result<u8> {
    match &args.command {
        Some(ServeCommand::Token(token)) => return make_token(token),
        Some(ServeCommand::Audit(args)) => return audit::run(args),
        Some(ServeCommand::Config { .. }) => {
            io::stdout().lock().write_all(EXAMPLE.as_bytes())?;
            return Ok(0);
        }
        None => {}
    }
    let config = config(args)?;
    log_to_stderr(&config, args.quiet);
    let stop = interrupt::orderly();
    let server = Server::start(config)?;
    server.wait_until_ready(stop)?;
    server.run(stop);
    Ok(0)
}

/// What the file says, and the command line over it.
fn config(args: &ServeArgs) -> anyhow::Result<Config> {
    let mut config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    if !args.index.is_empty() {
        config.index.clone_from(&args.index);
    }
    config.bind = args.bind.unwrap_or(config.bind);
    config.workers = args.jobs.or(config.workers);
    if args.dispute.is_some() {
        config.dispute.clone_from(&args.dispute);
    }
    config.preload |= args.preload;
    config.log.json |= args.json;
    config.no_auth = args.no_auth;
    config.is_worker = true;
    Ok(config)
}

fn make_token(args: &TokenArgs) -> anyhow::Result<u8> {
    let NewToken { token, lines } = NewToken::new(&args.name, &args.scopes)?;
    // First what is kept: a token without its lines is of no use.
    io::stdout().lock().write_all(lines.as_bytes())?;
    io::stdout().flush()?;
    note(format_args!("the token, shown this once: {token}"));
    Ok(0)
}
