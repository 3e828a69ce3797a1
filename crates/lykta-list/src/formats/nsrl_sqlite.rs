//! NSRL RDS version 3: an SQLite database whose table FILE (of the full sets METADATA) has a row for each file.
//!
//! The database is not trusted: it may be damaged, and its schema may hold SQL of whoever made it. [`database`]
//! has the guards. A thread of its own steps through the rows, since a statement borrows its connection; what it
//! has read ahead is bounded.

mod database;
pub(crate) mod record;
mod table;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use crate::entry::Row;
use crate::error::Error;
use crate::formats::Rows;
use crate::input::{Head, Input};
use crate::position::Position;
use database::{Database, malformed, refusal};
use record::Cell;
use table::Table;

/// Rows that are handed over at a time.
const BATCH: usize = 256;
/// Bytes of values after which fewer are handed over, so that long values do not take more memory.
const BATCH_BYTES: usize = 1 << 20;
/// Batches that may wait.
const WAITING: usize = 4;

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    head.bytes.starts_with(database::MAGIC)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let cancelled = Arc::new(AtomicBool::new(false));
    let database = Database::open(input, Arc::clone(&cancelled))?;
    let table = Table::find(&database)?;
    let version = table::newest_version(&database)?;
    let (sender, receiver) = sync_channel(WAITING);
    let worker = std::thread::Builder::new()
        .name("sqlite".to_owned())
        .spawn(move || {
            let mut sending = Sending { rows: Vec::with_capacity(BATCH), bytes: 0, sender };
            let read = read(&database, &table, &mut sending);
            sending.finish(read);
        })
        .map_err(|source| Error::io(1, source))?;
    let batch = Vec::new().into_iter();
    Ok(Box::new(DatabaseRows { batch, receiver: Some(receiver), worker: Some(worker), cancelled, version }))
}

/// The consumer's end.
struct DatabaseRows {
    batch: std::vec::IntoIter<Row>,
    receiver: Option<Receiver<Message>>,
    worker: Option<JoinHandle<()>>,
    cancelled: Arc<AtomicBool>,
    version: Option<String>,
}

enum Message {
    Rows(Vec<Row>),
    /// All rows were sent.
    End,
    Failed(Error),
}

impl Rows for DatabaseRows {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        loop {
            if let Some(row) = self.batch.next() {
                return Ok(Some(row));
            }
            match self.receiver.as_ref().map(Receiver::recv) {
                Some(Ok(Message::Rows(rows))) => self.batch = rows.into_iter(),
                Some(Ok(Message::End)) => return Ok(None),
                Some(Ok(Message::Failed(error))) => return Err(error),
                // Without a word: an end that nobody vouches for is none.
                Some(Err(_)) | None => {
                    return Err(malformed(Position::Record(0), "reading it was broken off".to_owned()));
                }
            }
        }
    }

    fn version(&self) -> Option<String> {
        self.version.clone()
    }
}

impl Drop for DatabaseRows {
    fn drop(&mut self) {
        self.cancelled.store(true, Ordering::Relaxed);
        // A thread that waits for room ends when nobody can make it.
        self.receiver = None;
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
    }
}

/// The worker's end.
struct Sending {
    rows: Vec<Row>,
    /// Bytes of the values that `rows` were made of.
    bytes: usize,
    sender: SyncSender<Message>,
}

impl Sending {
    /// Hands a row over, with others. Returns whether somebody still wants rows.
    fn row(&mut self, row: Row, bytes: usize) -> bool {
        self.rows.push(row);
        self.bytes += bytes;
        (self.rows.len() < BATCH && self.bytes < BATCH_BYTES) || self.flush()
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        let rows = std::mem::replace(&mut self.rows, Vec::with_capacity(BATCH));
        self.sender.send(Message::Rows(rows)).is_ok()
    }

    fn finish(mut self, read: Result<(), Error>) {
        let last = match read {
            Ok(()) => Message::End,
            Err(error) => Message::Failed(error),
        };
        if self.flush() {
            let _ = self.sender.send(last);
        }
    }
}

/// Reads all rows, until nobody wants them any more.
fn read(database: &Database, table: &Table, sending: &mut Sending) -> Result<(), Error> {
    let mut position = Position::Record(0);
    let failed = |position, error| refusal(position, &error);
    let mut statement = database.prepare(&table.select())?;
    let mut rows = statement.query([]).map_err(|error| failed(position, error))?;
    let (mut number, mut rowid): (u64, Option<i64>) = (0, None);
    while let Some(row) = rows.next().map_err(|error| failed(position, error))? {
        number += 1;
        database.a_row_came();
        if number > database.most_rows() {
            let detail = format!("its {} gives more rows than the file has bytes", table.name());
            return Err(malformed(position, detail));
        }
        let mut first = 0;
        position = Position::Record(i64::try_from(number).unwrap_or(i64::MAX));
        if table.has_rowid() {
            first = 1;
            let this: i64 = row.get(0).map_err(|error| failed(position, error))?;
            position = Position::Record(this);
            if rowid.is_some_and(|before| this <= before) {
                let detail = "it is damaged: the numbers of its rows do not ascend".to_owned();
                return Err(malformed(position, detail));
            }
            rowid = Some(this);
        }
        let mut cells = Vec::with_capacity(table.shape().columns());
        for column in 0..table.shape().columns() {
            let value = row.get_ref(first + column).map_err(|error| failed(position, error))?;
            cells.push(Cell::from(value));
        }
        let bytes = cells.iter().map(Cell::len).sum();
        if !sending.row(table.shape().row(&cells, number, position), bytes) {
            break;
        }
    }
    Ok(())
}
