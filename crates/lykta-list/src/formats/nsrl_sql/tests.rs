//! Deltas as NIST writes them, and statements that must not be half understood.

use rusqlite::Connection;

use crate::entry::Row;
use crate::error::Error;
use crate::format::Format;
use crate::input::ReadOptions;
use crate::position::Position;
use crate::reader::Reader;

const COLUMNS: &str = "sha256,sha1,md5,crc32,file_name,file_size,package_id";

fn read(text: &str) -> Result<Vec<Row>, Error> {
    let options = ReadOptions { format: Some(Format::NsrlSql), ..ReadOptions::default() };
    Reader::new(text.as_bytes(), &options)?.collect()
}

fn values(number: u32, name: &str) -> String {
    format!("'{number:064X}','{number:040X}','{number:032X}','{number:08X}','{name}',{number},7")
}

fn conditions(number: u32, name: &str) -> String {
    let values = values(number, name);
    let pairs = COLUMNS.split(',').zip(values.split(',')).map(|(column, value)| format!("{column}={value}"));
    pairs.collect::<Vec<_>>().join(" AND ")
}

fn key(row: &Row) -> &str {
    match row {
        Row::Accepted(entry) => entry.key.as_deref().unwrap(),
        Row::Deleted(deletion) => &deletion.key,
        Row::Rejected(rejection) => panic!("{rejection}"),
    }
}

#[test]
fn inserts_deletes_and_updates_are_read_and_other_tables_passed_over() {
    let text = format!(
        "-- a delta; of a test\nBEGIN TRANSACTION;\nINSERT INTO FILE({COLUMNS}) VALUES({});\n\
         insert or ignore into \"FILE\"({COLUMNS}) values({}) /* ; */ ,\n({});\n\
         INSERT INTO PKG VALUES(1,'it''s; a name',NULL);\nDELETE FROM OS WHERE 1;\n\
         DELETE FROM FILE WHERE {};\nUPDATE main.FILE SET file_name='new', file_size=9 WHERE {};\nCOMMIT;\n-- end",
        values(1, "a;''b -- c"),
        values(2, "two\nlines"),
        values(3, "c"),
        conditions(4, "d"),
        conditions(5, "e"),
    );
    assert!(Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap().format() == Format::NsrlSql);
    let rows = read(&text).unwrap();
    let lines: Vec<_> = rows
        .iter()
        .map(|row| match row {
            Row::Accepted(entry) => (entry.row, entry.position, entry.name.clone()),
            Row::Deleted(deletion) => (deletion.row, deletion.position, None),
            Row::Rejected(rejection) => panic!("{rejection}"),
        })
        .collect();
    assert_eq!(
        lines,
        [
            (1, Position::Line(3), Some("a;'b -- c".to_owned())),
            (2, Position::Line(4), Some("two\nlines".to_owned())),
            (3, Position::Line(6), Some("c".to_owned())),
            (4, Position::Line(9), None),
            (5, Position::Line(10), None),
            (6, Position::Line(10), Some("new".to_owned())),
        ]
    );
    assert_ne!(key(&rows[4]), key(&rows[5]));
}

/// Applied to a database by SQLite, the rows have the keys that the delta has, however it writes numbers.
#[test]
fn keys_are_those_of_the_database() {
    let quoted = values(2, "x").replace(",2,7", ",'2','7'").replace("'x'", "27");
    let inserts = format!(
        "INSERT INTO FILE({COLUMNS}) VALUES({});INSERT INTO FILE VALUES({quoted});",
        values(1, "it''s")
    );
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.db");
    let connection = Connection::open(path.as_path()).unwrap();
    let table = "CREATE TABLE FILE (sha256 VARCHAR NOT NULL, sha1 VARCHAR NOT NULL, md5 VARCHAR NOT NULL,
        crc32 VARCHAR NOT NULL, file_name VARCHAR NOT NULL, file_size INTEGER NOT NULL,
        package_id INTEGER NOT NULL);";
    connection.execute_batch(&format!("{table}{inserts}")).unwrap();
    let options = ReadOptions { path: Some(path.clone()), ..ReadOptions::default() };
    let database = Reader::new(std::fs::File::open(&path).unwrap(), &options).unwrap();
    let database: Vec<Row> = database.collect::<Result<_, _>>().unwrap();
    let delta = read(&inserts).unwrap();
    assert_eq!(database.iter().map(key).collect::<Vec<_>>(), delta.iter().map(key).collect::<Vec<_>>());
    let deleted = read(&format!("DELETE FROM FILE WHERE {};", conditions(1, "it''s"))).unwrap();
    assert_eq!(key(&deleted[0]), key(&database[0]));
}

#[test]
fn what_is_not_understood_refuses_the_list() {
    let all = conditions(1, "a");
    for statement in [
        "DELETE FROM FILE;".to_owned(),
        "DELETE FROM FILE WHERE rowid=5;".to_owned(),
        "DELETE FROM FILE WHERE sha256='00' AND md5='00';".to_owned(),
        "DELETE FROM METADATA WHERE metadata_id=5;".to_owned(),
        "UPDATE FILE SET file_name='a' WHERE package_id=3;".to_owned(),
        format!("DELETE FROM FILE WHERE {all} OR 1;"),
        format!("DELETE FROM FILE WHERE {all} AND md5='00';"),
        format!("DELETE FROM FILE WHERE NOT {all};"),
        format!("UPDATE FILE SET other=1 WHERE {all};"),
        "INSERT INTO FILE SELECT * FROM FILE;".to_owned(),
        "INSERT INTO FILE(sha256) VALUES(upper('a'));".to_owned(),
        "INSERT INTO FILE(sha256,md5) VALUES('00');".to_owned(),
        "INSERT INTO FILE(sha256,sha256) VALUES('00','00');".to_owned(),
        "INSERT INTO FILE(file_name) VALUES('00');".to_owned(),
        "DROP TABLE FILE;".to_owned(),
        "ROLLBACK;".to_owned(),
        "COMMIT;".to_owned(),
        "BEGIN;BEGIN;".to_owned(),
        "SELECT 1;".to_owned(),
    ] {
        let error = read(&format!("\n{statement}")).unwrap_err();
        assert!(
            matches!(error, Error::Malformed { position: Position::Line(2), .. }),
            "{statement}: {error}"
        );
    }
}

/// Wherever a delta is cut, it is told: without its COMMIT nothing of it holds.
#[test]
fn a_delta_cut_short_is_told() {
    let text = format!("BEGIN TRANSACTION;INSERT INTO FILE VALUES({});/* c */COMMIT;", values(1, "a"));
    for length in 1..text.len() {
        let error = read(&text[..length]).unwrap_err();
        assert!(error.is_truncated(), "{length}: {error}");
    }
    assert_eq!(read(&text).unwrap().len(), 1);
    assert!(matches!(read(" -- nothing\n"), Err(Error::Empty)));
}

/// A dump of any other database begins in the same way. Taken for a delta it gave an empty index and no word.
#[test]
fn sql_that_says_nothing_of_files_is_no_delta() {
    for text in ["INSERT INTO users VALUES(1,'a');", "BEGIN;\nDELETE FROM users WHERE 1;\nCOMMIT;"] {
        assert_eq!(Reader::new(text.as_bytes(), &ReadOptions::default()).unwrap().format(), Format::NsrlSql);
        assert!(matches!(read(text), Err(Error::Malformed { .. })), "{text}");
    }
}

/// Lines were counted from the statement's start for each of its rows: for a megabyte of rows, millions of times.
#[test]
fn lines_of_a_statement_with_many_rows_are_counted_once() {
    let row = "('','','0cc175b9c0f1b6a831c399e269772661','','',1,1)";
    let rows = 15_000;
    let text = format!("INSERT INTO FILE VALUES\n{};", vec![row; rows].join(",\n"));
    let read = read(&text).unwrap();
    assert_eq!(read.len(), rows);
    for (at, row) in read.iter().enumerate() {
        let Row::Accepted(entry) = row else { panic!("{row:?}") };
        assert_eq!(entry.position, Position::Line(at as u64 + 2));
    }
}

#[test]
fn a_statement_without_end_is_bounded() {
    let text = format!("INSERT INTO FILE VALUES('{}", "a".repeat(2 << 20));
    assert!(matches!(read(&text), Err(Error::TooLong { line: 1 })));
}
