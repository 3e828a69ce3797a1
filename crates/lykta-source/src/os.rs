//! What differs from one system to another, and nothing else.

use std::fs::{File, FileType, Metadata};
use std::io;
use std::path::Path;

use crate::walk::Special;

/// Which object on which device; a name may come to mean another object at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct FileId {
    device: u64,
    inode: u64,
}

#[cfg(unix)]
pub(crate) fn id(metadata: &Metadata) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    Some(FileId { device: metadata.dev(), inode: metadata.ino() })
}

/// The standard library does not tell the index of a file here.
#[cfg(not(unix))]
pub(crate) fn id(_: &Metadata) -> Option<FileId> {
    None
}

/// The time at which anything about the file changed last, which nobody can set: seconds and
/// nanoseconds.
#[cfg(unix)]
pub(crate) fn change_time(metadata: &Metadata) -> Option<(i64, i64)> {
    use std::os::unix::fs::MetadataExt;
    Some((metadata.ctime(), metadata.ctime_nsec()))
}

#[cfg(not(unix))]
pub(crate) fn change_time(_: &Metadata) -> Option<(i64, i64)> {
    None
}

#[cfg(unix)]
pub(crate) fn special(kind: FileType) -> Special {
    use std::os::unix::fs::FileTypeExt;
    match kind {
        kind if kind.is_fifo() => Special::Fifo,
        kind if kind.is_socket() => Special::Socket,
        kind if kind.is_block_device() => Special::BlockDevice,
        kind if kind.is_char_device() => Special::CharDevice,
        _ => Special::Other,
    }
}

#[cfg(not(unix))]
pub(crate) fn special(_: FileType) -> Special {
    Special::Other
}

/// Whether a path leads from link to link without end.
pub(crate) fn is_link_loop(error: &io::Error) -> bool {
    #[cfg(unix)]
    return error.raw_os_error() == Some(libc::ELOOP);
    #[cfg(not(unix))]
    return {
        let _ = error;
        false
    };
}

/// Opens for reading, and tells whether reading leaves the time of access alone.
///
/// Neither waits for a writer of a FIFO nor follows a link that took the place of a file.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn open(path: &Path) -> io::Result<(File, bool)> {
    // Only the owner and root may leave the time of access alone; a mount may forbid it too.
    match open_with(path, libc::O_NOATIME) {
        Ok(file) => Ok((file, true)),
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => Ok((open_with(path, 0)?, false)),
        Err(error) => Err(error),
    }
}

#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(crate) fn open(path: &Path) -> io::Result<(File, bool)> {
    Ok((open_with(path, 0)?, false))
}

#[cfg(not(unix))]
pub(crate) fn open(path: &Path) -> io::Result<(File, bool)> {
    Ok((File::open(path)?, false))
}

/// Reads at an offset, whatever the position of the file is.
#[cfg(unix)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, at)
}

/// This moves the position of the file, too: nobody reads it from front to back meanwhile.
#[cfg(windows)]
pub(crate) fn read_at(file: &File, buffer: &mut [u8], at: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, at)
}

#[cfg(unix)]
fn open_with(path: &Path, flags: libc::c_int) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = flags | libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    std::fs::OpenOptions::new().read(true).custom_flags(flags).open(path)
}
