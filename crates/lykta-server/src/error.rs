//! Why the service does not start; `Display` says what to do.

use std::io;
use std::net::SocketAddr;

use thiserror::Error;

/// Why the service did not start, or ended.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration cannot be read.
    #[error("cannot read the configuration {path}: {source}; check its path and permissions")]
    ConfigUnread {
        /// The file.
        path: String,
        /// What the system says.
        source: io::Error,
    },
    /// The configuration is not one.
    #[error("{path}: {detail}; `lykta serve config` prints one with every key")]
    ConfigWrong {
        /// The file.
        path: String,
        /// Where and what.
        detail: String,
    },
    /// A setting, or two together, make no sense.
    #[error("{0}")]
    Setting(String),
    /// The address is taken, or not one of this computer.
    #[error("cannot listen on {address}: {source}; choose another with --bind")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        source: io::Error,
    },
    /// Certificate or key.
    #[error("TLS: {0}; check tls.certificate and tls.key in the configuration")]
    Tls(String),
    /// An index, or the file of disputes, cannot be used.
    #[error("{0}")]
    Known(String),
    /// The audit log cannot be gone on with.
    #[error("the audit log: {0}; keep it as it is and name another file")]
    Audit(String),
    /// The system refuses threads, or randomness.
    #[error("cannot start: {0}")]
    System(String),
}
