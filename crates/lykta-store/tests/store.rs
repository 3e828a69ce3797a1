//! Opening, refusing, and what is kept beside entries.
#![expect(clippy::unwrap_used, reason = "a test that fails should stop there")]

use std::fs;
use std::path::Path;

use lykta_hash::{Digest, Hash};
use lykta_list::{Entry, Format, Position, Row, Tally};
use lykta_store::{Error, FileDescription, Store};

fn file(number: u8) -> FileDescription {
    FileDescription {
        name: format!("file {number}"),
        format: Format::Csv,
        version: None,
        sha256: [number; 32],
        bytes: 10,
    }
}

fn entry(row: u64, hash: u8) -> Row {
    Row::Accepted(Entry {
        row,
        position: Position::Line(row),
        name: Some(format!("name {hash}")),
        hashes: vec![Hash::Digest(Digest::Sha256([hash; 32]))],
        ..Entry::default()
    })
}

fn fill(path: &Path, rows: u64) {
    let mut store = Store::open_or_create(path).unwrap();
    let mut transaction = store.begin().unwrap();
    let id = transaction.add_file(&file(1)).unwrap();
    for row in 1..=rows {
        transaction.apply(id, &entry(row, row as u8)).unwrap();
    }
    transaction.commit().unwrap();
}

#[test]
fn one_at_a_time_and_nothing_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file:a?b.store");
    let store = Store::open_or_create(&path).unwrap();
    assert!(matches!(Store::open_or_create(&path), Err(Error::Busy)));
    drop(store);
    fill(&path, 3);
    assert_eq!(Store::open_or_create(&path).unwrap().count().unwrap(), 3);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn other_files_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("b.db");
    let connection = rusqlite::Connection::open(database.as_path()).unwrap();
    connection.execute_batch("CREATE TABLE a(b); INSERT INTO a VALUES(1);").unwrap();
    drop(connection);
    let claimed = folder.path().join("c.db");
    let connection = rusqlite::Connection::open(claimed.as_path()).unwrap();
    connection.execute_batch("PRAGMA application_id=5;").unwrap();
    drop(connection);
    let text = folder.path().join("a.txt");
    fs::write(&text, "a list of something\n".repeat(300)).unwrap();
    for path in [database, claimed, text] {
        let before = fs::read(&path).unwrap();
        assert!(matches!(Store::open_or_create(&path), Err(Error::NotAStore)), "{path:?}");
        assert_eq!(fs::read(&path).unwrap(), before);
    }
    let newer = folder.path().join("d.store");
    fill(&newer, 1);
    rusqlite::Connection::open(newer.as_path()).unwrap().execute_batch("PRAGMA user_version=3;").unwrap();
    assert!(matches!(Store::open_or_create(&newer), Err(Error::Version { found: 3, expected: 2 })));
}

#[test]
fn a_transaction_that_is_dropped_has_not_happened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.store");
    fill(&path, 3);
    let mut store = Store::open_or_create(&path).unwrap();
    let mut transaction = store.begin_whole().unwrap();
    let id = transaction.add_file(&file(2)).unwrap();
    transaction.apply(id, &entry(1, 9)).unwrap();
    drop(transaction);
    assert_eq!((store.count().unwrap(), store.files().unwrap().len()), (3, 1));

    let mut temporary = Store::temporary(folder.path()).unwrap();
    drop(temporary.begin().unwrap());
    assert!(matches!(temporary.all().err(), Some(Error::Unfinished)));
    drop(temporary);
    drop(store);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn files_keep_their_counts_and_are_known_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(&folder.path().join("a.store")).unwrap();
    let list = "id,md5,size\na,0cc175b9c0f1b6a831c399e269772661,x\nb,no,\n";
    let mut tally = Tally::default();
    for version in [None, Some("2")] {
        let mut transaction = store.begin().unwrap();
        let id = transaction.add_file(&file(4)).unwrap();
        tally = Tally::default();
        for row in lykta_list::Reader::new(list.as_bytes(), &lykta_list::ReadOptions::default()).unwrap() {
            let row = row.unwrap();
            tally.add(&row);
            transaction.apply(id, &row).unwrap();
        }
        transaction.finish_file(id, version, version.map(|_| "cut"), &tally).unwrap();
        transaction.commit().unwrap();
    }
    let files = store.files().unwrap();
    tally.first.clear();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].tally.as_ref(), Some(&tally));
    assert_eq!(files[0].cut_short.as_deref(), Some("cut"));
    assert_eq!(files[0].description, FileDescription { version: Some("2".to_owned()), ..file(4) });
}

/// The same file read in another way says other things in the same rows: both count.
#[test]
fn rows_of_one_number_have_room_beside_each_other_up_to_a_point() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open_or_create(&folder.path().join("a.store")).unwrap();
    let mut transaction = store.begin().unwrap();
    let id = transaction.add_file(&file(1)).unwrap();
    for hash in 1..=16 {
        transaction.apply(id, &entry(5, hash)).unwrap();
    }
    assert!(matches!(transaction.apply(id, &entry(5, 17)), Err(Error::Row { row: 5 })));
    assert!(matches!(transaction.commit(), Err(Error::Unfinished)));
    let mut transaction = store.begin().unwrap();
    let id = transaction.add_file(&file(1)).unwrap();
    transaction.apply(id, &entry(5, 2)).unwrap();
    transaction.apply(id, &entry(5, 1)).unwrap();
    transaction.commit().unwrap();
    assert_eq!(store.all().unwrap().map(|stored| stored.unwrap().entry.row).collect::<Vec<_>>(), [5, 5]);
}

/// SQLite passes over what a page does not count, without a word: those entries would have counted no longer.
#[test]
fn an_entry_that_is_gone_without_a_trace_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.store");
    fill(&path, 200);
    Store::open_or_create(&path).unwrap().check_count().unwrap();
    let page = rusqlite::Connection::open(path.as_path()).unwrap();
    let page: i64 = page
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'entry'", [], |row| row.get(0))
        .unwrap();
    let mut bytes = fs::read(&path).unwrap();
    // The root has the numbers of its children in its cells, the first of which is the leaf of the first entries.
    let at = |page: u64| (page as usize - 1) * 4096;
    let root = at(page as u64);
    let cell = root + usize::from(u16::from_be_bytes([bytes[root + 12], bytes[root + 13]]));
    let leaf = u32::from_be_bytes(bytes[cell..cell + 4].try_into().unwrap());
    let leaf = at(u64::from(leaf));
    assert_eq!((bytes[root], bytes[leaf]), (5, 13), "an inner page and a leaf of a table");
    bytes[leaf + 4] -= 1;
    fs::write(&path, bytes).unwrap();
    let store = Store::open_or_create(&path).unwrap();
    assert_eq!(store.all().unwrap().map(Result::unwrap).count(), 199);
    assert!(matches!(store.check_count(), Err(Error::Damaged { .. })));
}

/// Any byte turned: an error, or what was there with another value, but no panic.
#[test]
fn spoiled_stores_end_in_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.store");
    fill(&path, 200);
    let bytes = fs::read(&path).unwrap();
    let use_it = |path: &Path| -> Result<u64, Error> {
        let mut store = Store::open_or_create(path)?;
        store.files()?;
        let count = store.all()?.collect::<Result<Vec<_>, _>>()?.len() as u64;
        store.mark_base(&[0; 32])?;
        let mut transaction = store.begin_whole()?;
        let id = transaction.add_file(&file(2))?;
        for row in 100..150 {
            transaction.apply(id, &entry(row, row as u8))?;
        }
        transaction.commit()?;
        let additions = store.additions()?;
        additions.retractions().collect::<Result<Vec<_>, _>>()?;
        additions.entries().collect::<Result<Vec<_>, _>>()?;
        Ok(count)
    };
    let spoiled = folder.path().join("b.store");
    let mut state = 12_345_u64;
    let mut errors = 0;
    for _ in 0..400 {
        let mut copy = bytes.clone();
        for _ in 0..4 {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (state >> 33) as usize % copy.len();
            copy[at] ^= (state >> 20) as u8 | 1;
        }
        fs::write(&spoiled, copy).unwrap();
        let _ = fs::remove_file(folder.path().join("b.store-journal"));
        errors += u32::from(use_it(&spoiled).is_err());
    }
    assert!(errors > 20, "{errors}");
    for length in [1, 50, 100, 4096, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&spoiled, &bytes[..length]).unwrap();
        assert!(use_it(&spoiled).is_err(), "{length}");
    }
}
