//! Where records go.

use std::io;

use crate::record::Record;

/// Takes the record of every item, in no particular order.
///
/// A scan calls it from one thread at a time. An error stops the scan.
pub trait Sink: Send {
    /// Takes one record, also those of items without any match.
    ///
    /// # Errors
    /// When the record cannot be kept, such as on a full disk.
    fn record(&mut self, record: &Record) -> io::Result<()>;
}

/// Keeps everything in memory: for few items, and for tests.
impl Sink for Vec<Record> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.push(record.clone());
        Ok(())
    }
}
