//! How fast a store takes and gives entries: `store_speed FOLDER ENTRIES [keys]`.

use std::path::PathBuf;
use std::time::Instant;

use lykta_hash::{Digest, Hash};
use lykta_list::{Entry, Format, Position, Row};
use lykta_store::{Error, FileDescription, Store};

fn entry(row: u64, has_keys: bool) -> Row {
    // A bijection, so that keys come in no order.
    let mixed = row.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut bytes = [0x5a; 20];
    bytes[..8].copy_from_slice(&mixed.to_le_bytes());
    Row::Accepted(Entry {
        row,
        position: Position::Line(row),
        name: Some(format!("pictures/{mixed:016x}.jpg")),
        key: has_keys.then(|| format!("member/{mixed:x}")),
        changed: has_keys.then_some(row as i64),
        hashes: vec![
            Hash::Digest(Digest::Md5(*bytes.first_chunk().unwrap_or(&[0; 16]))),
            Hash::Digest(Digest::Sha1(bytes)),
        ],
        size: Some(row),
        ..Entry::default()
    })
}

fn take(store: &mut Store, entries: u64, has_keys: bool, is_whole: bool) -> Result<f64, Error> {
    let begin = Instant::now();
    let mut transaction = if is_whole { store.begin_whole()? } else { store.begin()? };
    let file = transaction.add_file(&FileDescription {
        name: "list".to_owned(),
        format: Format::Csv,
        version: None,
        sha256: [1; 32],
        bytes: 0,
    })?;
    for row in 1..=entries {
        transaction.apply(file, &entry(row, has_keys))?;
    }
    transaction.commit()?;
    Ok(entries as f64 / begin.elapsed().as_secs_f64())
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("give a folder")?);
    let entries: u64 = arguments.next().and_then(|n| n.into_string().ok()).ok_or("give a number")?.parse()?;
    let has_keys = arguments.next().is_some();
    let path = folder.join("speed.store");
    for mut store in [Store::temporary(&folder)?, Store::open_or_create(&path)?] {
        println!("new            {:>9.0} entries/s", take(&mut store, entries, has_keys, false)?);
        println!("again          {:>9.0} entries/s", take(&mut store, entries, has_keys, false)?);
        let begin = Instant::now();
        store.check_count()?;
        println!("count checked  {:>9.0} entries/s", entries as f64 / begin.elapsed().as_secs_f64());
        println!("whole again    {:>9.0} entries/s", take(&mut store, entries, has_keys, true)?);
        store.mark_base(&[0; 32])?;
        println!("tenth as whole {:>9.0} entries/s", take(&mut store, entries / 10, has_keys, true)?);
        let begin = Instant::now();
        let additions = store.additions()?;
        let retractions = additions.retractions().count();
        println!("{retractions} retractions {:>9.0}/s", retractions as f64 / begin.elapsed().as_secs_f64());
        let begin = Instant::now();
        let given = store.all()?.count();
        println!("{given} given {:>9.0}/s", given as f64 / begin.elapsed().as_secs_f64());
    }
    println!("{} bytes", std::fs::metadata(&path)?.len());
    std::fs::remove_file(&path)?;
    Ok(())
}
