//! `cargo run -p lykta-testdata -- testdata`: writes the generated files anew.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let folder: PathBuf = std::env::args_os().nth(1).context("usage: lykta-testdata FOLDER")?.into();
    lykta_testdata::write_all(&folder)
}
