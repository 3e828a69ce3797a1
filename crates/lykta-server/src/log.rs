//! The log of the service: lines on standard error. Hashes, tokens, bodies and queries never come into it.

use tracing::level_filters::LevelFilter;

use crate::config::Config;

/// Begins to write it. Once a process; later calls do nothing.
pub fn log_to_stderr(config: &Config, quiet: bool) {
    let level = if quiet { LevelFilter::WARN } else { LevelFilter::INFO };
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(false);
    // A second subscriber is refused, and the first one stays.
    let _ = match config.log.json {
        true => tracing::subscriber::set_global_default(builder.json().flatten_event(true).finish()),
        false => tracing::subscriber::set_global_default(builder.finish()),
    };
}
