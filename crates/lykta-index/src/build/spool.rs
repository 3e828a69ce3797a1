//! Bytes put aside: in memory while they are few, then in an unnamed temporary file.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::error::{Error, Problem};

/// Bytes that a spool keeps in memory before it makes a file, and the length of its writes.
const IN_MEMORY: usize = 4 << 20;

/// Where temporary files go, and how much stays in memory before they are made.
#[derive(Clone, Debug, Default)]
pub(crate) struct Place {
    /// The folder; without one everything stays in memory.
    pub(crate) folder: Option<PathBuf>,
    /// Overrides [`IN_MEMORY`].
    pub(crate) in_memory: Option<usize>,
}

impl Place {
    fn room(&self) -> usize {
        match (&self.folder, self.in_memory) {
            (None, _) => usize::MAX,
            (_, given) => given.unwrap_or(IN_MEMORY),
        }
    }
}

/// Makes a temporary file that has no name where the system allows it, so that nothing is left of it
/// whatever ends the process.
pub(crate) fn temporary_in(folder: &Path) -> Result<File, Error> {
    tempfile::tempfile_in(folder)
        .map_err(|error| Error::io("make a temporary file in the index's folder")(error).at(folder))
}

/// Appended bytes, read back once from the front.
#[derive(Default)]
pub(crate) struct Spool {
    place: Place,
    file: Option<File>,
    /// Bytes in the file.
    written: u64,
    /// What comes behind them.
    rest: Vec<u8>,
}

impl Spool {
    pub(crate) fn new(place: &Place) -> Self {
        Self { place: place.clone(), ..Self::default() }
    }

    /// Bytes that were put.
    pub(crate) fn len(&self) -> u64 {
        self.written + self.rest.len() as u64
    }

    /// Bytes held in memory.
    pub(crate) fn memory(&self) -> u64 {
        self.rest.len() as u64
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.rest.extend_from_slice(bytes);
        if self.rest.len() >= self.place.room() { self.write_rest() } else { Ok(()) }
    }

    fn write_rest(&mut self) -> Result<(), Error> {
        let file = match (&mut self.file, &self.place.folder) {
            (Some(file), _) => file,
            (None, Some(folder)) => self.file.insert(temporary_in(folder)?),
            (None, None) => return Ok(()),
        };
        file.write_all(&self.rest).map_err(Error::io("write a temporary file in the index's folder"))?;
        self.written += self.rest.len() as u64;
        self.rest.clear();
        Ok(())
    }

    /// Replaces bytes that were put before.
    pub(crate) fn replace(&mut self, at: u64, bytes: &[u8]) -> Result<(), Error> {
        if at < self.written {
            self.write_rest()?;
            let Some(file) = &mut self.file else { return Ok(()) };
            let mut write = || {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(bytes)?;
                file.seek(SeekFrom::End(0))
            };
            write().map_err(Error::io("write a temporary file in the index's folder"))?;
            return Ok(());
        }
        let start = (at - self.written) as usize;
        let place = self.rest.get_mut(start..start + bytes.len()).ok_or(Problem::TooLarge("bytes"))?;
        place.copy_from_slice(bytes);
        Ok(())
    }

    /// Gives all bytes, front to back, in pieces whose length is a multiple of `unit`.
    pub(crate) fn drain(
        mut self,
        unit: usize,
        put: &mut dyn FnMut(&[u8]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if let Some(file) = &mut self.file {
            let read = "read a temporary file in the index's folder";
            file.seek(SeekFrom::Start(0)).map_err(Error::io(read))?;
            let mut buffer = vec![0; (1 << 20) / unit * unit];
            let mut left = self.written;
            while left > 0 {
                let piece = left.min(buffer.len() as u64) as usize;
                file.read_exact(&mut buffer[..piece]).map_err(Error::io(read))?;
                put(&buffer[..piece])?;
                left -= piece as u64;
            }
        }
        put(&self.rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_comes_back_whether_it_went_to_a_file_or_not() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let on_disk = |in_memory| Place { folder: Some(folder.path().to_owned()), in_memory };
        for place in [Place::default(), on_disk(Some(1)), on_disk(Some(1000)), on_disk(None)] {
            let mut spool = Spool::new(&place);
            for number in 0..1000u32 {
                spool.put(&number.to_le_bytes()).expect("space");
            }
            spool.replace(8, &7777u32.to_le_bytes()).expect("in place");
            spool.replace(3996, &8888u32.to_le_bytes()).expect("in place");
            spool.put(&[1, 2, 3, 4]).expect("space");
            assert_eq!(spool.len(), 4004);
            let mut back = Vec::new();
            let mut take = |bytes: &[u8]| {
                assert_eq!(bytes.len() % 4, 0);
                back.extend_from_slice(bytes);
                Ok(())
            };
            spool.drain(4, &mut take).expect("readable");
            let mut expected: Vec<u32> = (0..1000).chain([0x0403_0201]).collect();
            (expected[2], expected[999]) = (7777, 8888);
            let expected: Vec<u8> = expected.iter().flat_map(|number| number.to_le_bytes()).collect();
            assert!(back == expected);
        }
        assert_eq!(folder.path().read_dir().expect("readable").count(), 0, "no file has a name");
    }
}
