//! The service as clients see it: over sockets.

mod auth;
mod hostile;
mod logs;
mod place;
mod routes;
mod schema;
mod swap;
#[cfg(feature = "tls")]
mod tls;
