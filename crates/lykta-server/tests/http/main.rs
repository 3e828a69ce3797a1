//! The service as clients see it: over sockets.

#![expect(clippy::unwrap_used, reason = "what cannot be read or started fails the test")]

mod auth;
mod fetch;
mod hostile;
mod logs;
mod not_compared;
mod place;
mod routes;
mod schema;
mod secrecy;
mod swap;
#[cfg(feature = "tls")]
mod tls;
