//! The command as others call it: exit codes, what is printed where, what is written.

#![expect(clippy::unwrap_used, reason = "what cannot be read or started fails the test")]

mod bombs;
mod cluster;
mod demo;
mod desk;
mod evidence;
mod hash;
mod index;
#[cfg(unix)]
mod isolate;
#[cfg(unix)]
mod killed;
mod lists;
mod place;
mod query;
#[cfg(feature = "rar")]
mod rar;
mod recall;
mod report;
mod requirements;
#[cfg(unix)]
mod resume;
mod scan;
mod selftest;
mod serve;
mod several;
#[cfg(unix)]
mod stopped;
mod support;
mod usage;
mod views;
mod zip;
