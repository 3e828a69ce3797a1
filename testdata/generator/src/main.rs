//! `cargo run -p lykta-testdata -- testdata`: writes the generated files anew.
//! `cargo run -p lykta-testdata -- desk FOLDER`: writes the desk dump, its list and the bombs, to look at.
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    const USAGE: &str = "usage: lykta-testdata [desk] FOLDER";
    let mut words = std::env::args_os().skip(1);
    let first = words.next().context(USAGE)?;
    if first != "desk" {
        return lykta_testdata::write_all(&PathBuf::from(first));
    }
    let folder = PathBuf::from(words.next().context(USAGE)?);
    let desk = lykta_testdata::desk()?;
    desk.write(&folder.join("dump"))?;
    fs::write(folder.join("list.csv"), desk.list()?)?;
    for lykta_testdata::Bomb { name, bytes } in lykta_testdata::bombs()? {
        let bomb = folder.join("bombs").join(name);
        fs::create_dir_all(&bomb)?;
        fs::write(bomb.join(name), bytes)?;
    }
    Ok(())
}
