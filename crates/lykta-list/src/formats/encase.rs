//! EnCase `.hash`: a header of 1152 bytes, then 18 bytes for each hash, of which 16 are an MD5.
//!
//! ```text
//! offset  length
//!      0       8  48 41 53 48 0D 0A FF 00
//!      8       4  version
//!     12       4  zero
//!     16       4  number of hashes, little-endian
//!   1032      78  name of the set, UTF-16LE, ended by zero
//!   1152      18  the first hash: MD5, then two bytes of unknown meaning, which are passed over
//! ```

use std::io::{self, Read};

use lykta_hash::{Digest, Hash};

use crate::entry::{Entry, Rejection, Row};
use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::input::{Head, Input};
use crate::position::Position;
use crate::reason::{Cause, Problem};

const MAGIC: [u8; 8] = *b"HASH\r\n\xff\0";
const HEADER: usize = 1152;
const COUNT: usize = 16;
const NAME: usize = 1032;
const NAME_UNITS: usize = 39;
const RECORD: usize = 18;

pub(crate) fn is_meant(head: &Head<'_>) -> bool {
    head.bytes.starts_with(&MAGIC)
}

pub(crate) fn open<'r>(input: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    let mut stream = io::BufReader::with_capacity(64 << 10, input.stream);
    let mut header = [0; HEADER];
    let got = fill(&mut stream, &mut header)?;
    let magic = got.min(MAGIC.len());
    match got {
        0 => return Err(Error::Empty),
        _ if header[..magic] != MAGIC[..magic] => {
            return Err(malformed(0, "it does not begin as such a file does".into()));
        }
        HEADER => {}
        _ => return Err(truncated(got as u64, format!("{got} bytes of a header of {HEADER}"))),
    }
    let count = header[COUNT..].first_chunk().map_or(0, |count| u32::from_le_bytes(*count));
    Ok(Box::new(EnCaseRows { stream, name: set_name(&header), count: u64::from(count), row: 0 }))
}

struct EnCaseRows<R> {
    stream: R,
    name: Option<String>,
    /// Hashes that the header promises.
    count: u64,
    row: u64,
}

impl<R: Read> Rows for EnCaseRows<R> {
    fn next_row(&mut self) -> Result<Option<Row>, Error> {
        let offset = HEADER as u64 + self.row * RECORD as u64;
        if self.row == self.count {
            return self.expect_zeros(offset).map(|()| None);
        }
        let mut record = [0; RECORD];
        let got = fill(&mut self.stream, &mut record)?;
        if got < RECORD {
            let detail = format!("{} of {} hashes that its header promises", self.row, self.count);
            return Err(truncated(offset + got as u64, detail));
        }
        self.row += 1;
        let position = Position::Byte(offset);
        let Some(md5) = record.first_chunk() else { return Ok(None) };
        let digest = Digest::Md5(*md5);
        Ok(Some(if digest.is_of_empty_file() {
            let problem = Problem::cell("md5", Cause::EmptyFileHash);
            Row::Rejected(Rejection::new(self.row, position, vec![problem]))
        } else {
            let hashes = vec![Hash::Digest(digest)];
            Row::Accepted(Entry { row: self.row, position, hashes, ..Entry::default() })
        }))
    }

    /// The name of the set.
    fn version(&self) -> Option<String> {
        self.name.clone()
    }
}

impl<R: Read> EnCaseRows<R> {
    /// Refuses a file that goes on after the last hash of which its header knows.
    fn expect_zeros(&mut self, mut offset: u64) -> Result<(), Error> {
        let mut buffer = [0; 4096];
        loop {
            let got = fill(&mut self.stream, &mut buffer)?;
            if let Some(at) = buffer[..got].iter().position(|byte| *byte != 0) {
                let detail = format!("it goes on after the {} hashes that its header promises", self.count);
                return Err(malformed(offset + at as u64, detail));
            }
            if got < buffer.len() {
                return Ok(());
            }
            offset += got as u64;
        }
    }
}

/// The name of the set; what is no UTF-16 in it is replaced.
fn set_name(header: &[u8; HEADER]) -> Option<String> {
    let units = header[NAME..].chunks_exact(2).take(NAME_UNITS);
    let units = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).take_while(|unit| *unit != 0);
    let name: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    (!name.is_empty()).then_some(name)
}

/// Reads until `buffer` is full or the input ends. Returns how much was read.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> Result<usize, Error> {
    let mut got = 0;
    while got < buffer.len() {
        match stream.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(len) => got += len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(Error::io(1, source)),
        }
    }
    Ok(got)
}

fn truncated(offset: u64, detail: String) -> Error {
    Error::Truncated { position: Position::Byte(offset), detail }
}

fn malformed(offset: u64, detail: String) -> Error {
    Error::Malformed { format: Format::EnCase, position: Position::Byte(offset), detail }
}
