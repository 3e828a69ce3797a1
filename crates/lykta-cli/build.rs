//! Passes on what was built and for which target: `lykta --version` says so.
//!
//! The commit comes from the environment, so that a build from an archive, without git, is the same
//! as one from a checkout.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=LYKTA_COMMIT");
    let target = env::var("TARGET").unwrap_or_default();
    let commit = env::var("LYKTA_COMMIT").unwrap_or_else(|_| "not stated".to_owned());
    println!("cargo::rustc-env=LYKTA_TARGET={target}");
    println!("cargo::rustc-env=LYKTA_COMMIT={commit}");
}
