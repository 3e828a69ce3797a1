//! `lykta serve`.

mod audit;

use std::io::{self, Write};

use lykta_server::{Config, EXAMPLE, NewToken, Rate, Scope, Server, log_to_stderr};
use serde_json::json;

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
    let mut config = config(args)?;
    if config.tokens.is_empty() && !config.no_auth && config.bind.ip().is_loopback() {
        make_token_for_this_run(&mut config)?;
    }
    log_to_stderr(&config, args.quiet);
    let stop = interrupt::orderly_in_its_own_words();
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

/// Where nobody configured a token there is one all the same, for whoever reads what the service says.
fn make_token_for_this_run(config: &mut Config) -> anyhow::Result<()> {
    let NewToken { token, lines } = NewToken::new("this run", &Scope::ALL)?;
    config.tokens = Config::parse(&lines).map_err(anyhow::Error::msg)?.tokens;
    config.tokens.iter_mut().for_each(|token| token.rate = Some(Rate::UNLIMITED));
    match config.log.json {
        true => {
            let line = json!({ "message": "the token of this run", "token": token });
            // Whoever closed standard error does not want to know.
            let _ = writeln!(io::stderr().lock(), "{line}");
        }
        false => note(format_args!(
            "no token is configured (`lykta serve token` makes one); the token of this run: {token}"
        )),
    }
    Ok(())
}

fn make_token(args: &TokenArgs) -> anyhow::Result<u8> {
    let NewToken { token, lines } = NewToken::new(&args.name, &args.scopes)?;
    // First what is kept: a token without its lines is of no use.
    io::stdout().lock().write_all(lines.as_bytes())?;
    io::stdout().flush()?;
    note(format_args!("the token, shown this once: {token}"));
    Ok(0)
}
