//! Which table or view of a database has the files, and which release it is.

use super::database::{Database, malformed, refusal};
use super::record::{Relation, Shape};
use crate::error::Error;
use crate::position::Position;

/// The table or view that is read.
#[derive(Debug)]
pub(crate) struct Table {
    relation: Relation,
    shape: Shape,
    /// What the number of a row is called; `None` in views and tables without one.
    rowid: Option<&'static str>,
}

impl Table {
    /// Finds it. Tables come before views: in the full sets FILE is a view of METADATA and others, and deltas
    /// change METADATA.
    pub(crate) fn find(database: &Database) -> Result<Self, Error> {
        const ORDER: [(&str, Relation); 4] = [
            ("table", Relation::File),
            ("table", Relation::Metadata),
            ("view", Relation::File),
            ("view", Relation::Metadata),
        ];
        let present = list(database)?;
        for (kind, relation) in ORDER {
            let found = present
                .iter()
                .find(|found| found.kind == kind && found.name.eq_ignore_ascii_case(relation.name()));
            let Some(found) = found else { continue };
            let names = columns(database, relation.name())?;
            let rowid = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !names.iter().any(|n| n == name));
            let rowid = rowid.filter(|_| kind == "table" && found.has_rowid);
            if let Some(shape) = Shape::new(relation, names) {
                return Ok(Self { relation, shape, rowid });
            }
        }
        let detail =
            "it has no table or view FILE or METADATA with a column sha256, sha1 or md5: check that it \
                      is NSRL's RDS of version 3"
                .to_owned();
        Err(malformed(Position::Record(0), detail))
    }

    pub(crate) fn name(&self) -> &'static str {
        self.relation.name()
    }

    pub(crate) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Whether the first column of [`Table::select`] is the number of the row.
    pub(crate) fn has_rowid(&self) -> bool {
        self.rowid.is_some()
    }

    /// The statement that gives all rows, in order of their numbers where they have some.
    pub(crate) fn select(&self) -> String {
        let quoted: Vec<String> = self.shape.names().iter().map(|name| quoted(name)).collect();
        let (columns, name) = (quoted.join(","), self.name());
        match self.rowid {
            Some(rowid) => format!("SELECT {rowid},{columns} FROM main.{name} ORDER BY {rowid}"),
            None => format!("SELECT {columns} FROM main.{name}"),
        }
    }
}

/// The newest release that the table VERSION names.
pub(crate) fn newest_version(database: &Database) -> Result<Option<String>, Error> {
    let is_there = |found: &Found| found.kind == "table" && found.name.eq_ignore_ascii_case("VERSION");
    if !list(database)?.iter().any(is_there) {
        return Ok(None);
    }
    let names = columns(database, "VERSION")?;
    if !names.iter().any(|name| name == "version") {
        return Ok(None);
    }
    let date = if names.iter().any(|name| name == "release_date") { "release_date" } else { "NULL" };
    let sql = format!("SELECT version FROM main.VERSION ORDER BY {date} DESC, version DESC LIMIT 1");
    let found = texts(database, &sql, 0)?;
    Ok(found.into_iter().next().filter(|version| !version.is_empty()))
}

/// Something in the database's schema.
struct Found {
    name: String,
    kind: String,
    has_rowid: bool,
}

fn list(database: &Database) -> Result<Vec<Found>, Error> {
    let failed = |error| refusal(Position::Record(0), &error);
    let mut statement = database.prepare("PRAGMA main.table_list")?;
    let found = statement
        .query_map([], |row| {
            Ok(Found { name: row.get(1)?, kind: row.get(2)?, has_rowid: row.get::<_, i64>(4)? == 0 })
        })
        .map_err(failed)?
        .collect::<Result<Vec<Found>, _>>();
    found.map_err(failed)
}

/// The names of the columns, in lower case.
fn columns(database: &Database, table: &str) -> Result<Vec<String>, Error> {
    let names = texts(database, &format!("PRAGMA main.table_xinfo({table})"), 1)?;
    Ok(names.into_iter().map(|name| name.to_ascii_lowercase()).collect())
}

/// One column of what a statement gives, as text. What is none is left out.
fn texts(database: &Database, sql: &str, column: usize) -> Result<Vec<String>, Error> {
    let failed = |error| refusal(Position::Record(0), &error);
    let mut statement = database.prepare(sql)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut texts = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let value = row.get_ref(column).map_err(failed)?;
        texts.extend(value.as_str().map(str::to_owned));
    }
    Ok(texts)
}

/// A name as SQL has it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
