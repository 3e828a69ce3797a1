//! Matching over HTTP: what `lykta serve` runs.
//!
//! Three types to know: [`Config`] (what `lykta.toml` says; an index alone is enough), [`Server`] (started, ready,
//! run, ended) and [`NewToken`] (who may ask). Paths and shapes are in the OpenAPI document, [`document`], which is
//! made of the same table as the routes.
//!
//! ```no_run
//! use std::sync::atomic::AtomicBool;
//! use lykta_server::{Config, Server};
//!
//! // Pictures are decoded here: with `is_worker` this program would start itself for that.
//! let config = Config { index: vec!["list.lykta".into()], no_auth: true, isolate: false, ..Config::default() };
//! let (server, stop) = (Server::start(config)?, AtomicBool::new(false));
//! server.wait_until_ready(&stop)?;
//! println!("http://{}", server.address());
//! server.run(&stop);
//! # Ok::<(), lykta_server::StartError>(())
//! ```
//!
//! What comes in is hostile, and the list is a secret: docs/serve.md says which limits there are, and what an answer
//! does not say.
#![forbid(unsafe_code)]

mod answer;
mod app;
mod audit;
mod auth;
mod body;
mod config;
mod error;
mod fetch;
mod generation;
mod listen;
mod log;
mod metrics;
mod multipart;
mod openapi;
mod operations;
mod pool;
mod problem;
mod routes;
mod scope;
mod server;
mod stall;
mod tls;
mod watch;

pub use audit::{CheckedAudit, ClientTotals, check_audit};
pub use auth::NewToken;
pub use config::{
    Config, EXAMPLE, Fetch, Limits, Log, Matching, Rate, Scart, Tls, Token, Verify, WeakestBand,
};
pub use error::StartError;
pub use log::log_to_stderr;
pub use openapi::{document, document_text};
pub use scope::Scope;
pub use server::Server;
