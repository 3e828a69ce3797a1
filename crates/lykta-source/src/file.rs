//! Reading one file, and knowing that it stayed as it was.

use std::fs::{self, File, Metadata};
use std::hash::Hash;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::error::{Change, Error};
use crate::os::{self, FileId};

/// A regular file that a walk listed.
#[derive(Clone, Debug)]
pub struct FileItem {
    path: PathBuf,
    id: Option<FileId>,
    stamp: Stamp,
}

impl FileItem {
    /// `path` has no link as its last component, `metadata` are those of the file itself.
    pub(crate) fn new(path: PathBuf, metadata: &Metadata) -> Self {
        Self { path, id: os::id(metadata), stamp: Stamp::new(metadata) }
    }

    /// The file to open. Where a link led to it, this is its own place and not the locator's.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Bytes when it was listed. [`OpenFile::size`] may be another one.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Whether it is still in the same state is told by this: its size and its times of modification and change. Not
    /// its device and inode, which some systems number anew with every start.
    pub fn state(&self) -> impl Hash + use<> {
        let Stamp { size, modified, changed } = self.stamp;
        (size, modified, changed)
    }

    /// Opens the file that was listed. Never waits, never follows a link, never writes.
    ///
    /// # Errors
    /// [`Error::Replaced`] when something else stands there now; on Unix also another regular file
    /// with another inode. [`Error::Open`] when the system refuses.
    pub fn open(&self) -> Result<OpenFile, Error> {
        let (file, access_time_kept) = os::open(&self.path).map_err(|source| self.refused(source))?;
        let metadata = file.metadata().map_err(Error::Stat)?;
        self.check(&metadata)?;
        Ok(OpenFile { file, stamp: Stamp::new(&metadata), read: 0, ended: false, access_time_kept })
    }

    /// A link that must not be followed and a socket fail to open: that is a replaced file, too.
    fn refused(&self, source: io::Error) -> Error {
        let now = fs::symlink_metadata(&self.path);
        now.map(|now| self.check(&now)).ok().and_then(Result::err).unwrap_or(Error::Open(source))
    }

    fn check(&self, now: &Metadata) -> Result<(), Error> {
        let kind = now.file_type();
        let now = match kind {
            _ if kind.is_file() && os::id(now) == self.id => return Ok(()),
            _ if kind.is_file() => "another file",
            _ if kind.is_symlink() => "a link",
            _ if kind.is_dir() => "a folder",
            _ => os::special(kind).name(),
        };
        Err(Error::Replaced { now })
    }
}

/// A file that is being read. Reads at most as many bytes as it had when it was opened, so a file
/// that grows without end is read to an end. Reads are not buffered.
#[derive(Debug)]
pub struct OpenFile {
    file: File,
    stamp: Stamp,
    read: u64,
    /// The file ended, at whatever size.
    ended: bool,
    access_time_kept: bool,
}

/// What beside its descriptor makes an [`OpenFile`] in another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HandedOver {
    /// Bytes when it was opened.
    pub size: u64,
    /// When its bytes changed last, as of then.
    pub modified: Option<SystemTime>,
    /// When anything about it changed last, as of then: seconds and nanoseconds.
    pub changed: Option<(i64, i64)>,
    /// See [`OpenFile::access_time_kept`].
    pub access_time_kept: bool,
}

impl OpenFile {
    /// What another process has to know, beside the descriptor, to read the file and to tell whether it changed since it
    /// was opened here. The position is shared: it is at the start only before anything was read, or after
    /// [`OpenFile::rewind`].
    pub fn hand_over(&self) -> HandedOver {
        let Stamp { size, modified, changed } = self.stamp;
        HandedOver { size, modified, changed, access_time_kept: self.access_time_kept }
    }

    /// The file that another process opened and handed over, at its start.
    pub fn taken_over(file: File, handed_over: HandedOver) -> Self {
        let HandedOver { size, modified, changed, access_time_kept } = handed_over;
        Self { file, stamp: Stamp { size, modified, changed }, read: 0, ended: false, access_time_kept }
    }

    /// Bytes when it was opened.
    pub fn size(&self) -> u64 {
        self.stamp.size
    }

    /// Whether reading leaves the time of access alone for certain. Where it does not (other
    /// systems than Linux, files of another owner), the system may set it.
    pub fn access_time_kept(&self) -> bool {
        self.access_time_kept
    }

    /// Reads up to `most` bytes and appends them to `buffer`: fewer than that only where the file
    /// ends. Allocates nothing where the buffer has room for them, and clears no memory first.
    ///
    /// # Errors
    /// [`Error::Read`]; what was read before it is in the buffer.
    pub fn append_to(&mut self, buffer: &mut Vec<u8>, most: usize) -> Result<usize, Error> {
        let (before, wanted) = (buffer.len(), (self.stamp.size - self.read).min(most as u64));
        let result = (&self.file).take(wanted).read_to_end(buffer);
        let count = buffer.len() - before;
        self.read += count as u64;
        self.ended |= result.is_ok() && (count as u64) < wanted;
        result.map_err(Error::Read)
    }

    /// Goes back to the start for another reading of all bytes.
    ///
    /// # Errors
    /// [`Error::Read`].
    pub fn rewind(&mut self) -> Result<(), Error> {
        self.file.rewind().map_err(Error::Read)?;
        self.read = 0;
        self.ended = false;
        Ok(())
    }

    /// Reads anywhere in the file, beside what is read from front to back and without counting as that.
    pub fn anywhere(&self) -> ReadAnywhere<'_> {
        ReadAnywhere { open: self, at: 0 }
    }

    /// Checks that what was read is the whole file, and that it did not change since it was opened.
    ///
    /// Size, time of modification and, on Unix, time of change are compared. A change of as many
    /// bytes within one tick of the file system's clock (some milliseconds) is not seen.
    ///
    /// # Errors
    /// [`Error::Changed`]; [`Error::NotReadToEnd`] when reading stopped early; [`Error::Stat`] or
    /// [`Error::Read`] when it cannot be found out.
    pub fn finish(mut self) -> Result<(), Error> {
        let after = Stamp::new(&self.file.metadata().map_err(Error::Stat)?);
        let size = self.stamp.size;
        if after.size != size {
            return Err(Error::Changed(Change::Size { before: size, after: after.size }));
        }
        if after != self.stamp {
            return Err(Error::Changed(Change::Time));
        }
        if self.read < size {
            let read = self.read;
            return Err(match self.ended {
                true => Error::Changed(Change::Short { read, size }),
                false => Error::NotReadToEnd { read, size },
            });
        }
        match retry(|| self.file.read(&mut [0])).map_err(Error::Read)? {
            0 => Ok(()),
            _ => Err(Error::Changed(Change::Long { size })),
        }
    }
}

#[cfg(unix)]
impl std::os::fd::AsFd for OpenFile {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Read for OpenFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.stamp.size - self.read).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        if room == 0 {
            return Ok(0);
        }
        let read = self.file.read(&mut buffer[..room])?;
        self.read += read as u64;
        self.ended |= read == 0;
        Ok(read)
    }
}

/// Bytes of an [`OpenFile`] at any place, up to the size that it had when it was opened.
#[derive(Debug)]
pub struct ReadAnywhere<'o> {
    open: &'o OpenFile,
    at: u64,
}

impl Read for ReadAnywhere<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.open.stamp.size.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let room = buffer.len().min(left);
        let read = retry(|| os::read_at(&self.open.file, &mut buffer[..room], self.at))?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for ReadAnywhere<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => self.open.stamp.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

fn retry(mut read: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match read() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

/// What tells one state of a file from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    changed: Option<(i64, i64)>,
}

impl Stamp {
    fn new(metadata: &Metadata) -> Self {
        let (modified, changed) = (metadata.modified().ok(), os::change_time(metadata));
        Self { size: metadata.len(), modified, changed }
    }
}
