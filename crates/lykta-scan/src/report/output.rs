//! One file of a report: readable by its owner only, digested while it is written.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use lykta_hash::text::to_hex;
use sha2::{Digest, Sha256};

use crate::error::Error;
use crate::report::manifest::OutputFile;

/// A file being written.
pub(crate) struct Output {
    path: PathBuf,
    name: &'static str,
    out: BufWriter<Digested>,
}

struct Digested {
    file: File,
    sha256: Sha256,
    bytes: u64,
}

impl Output {
    /// Creates the file `name` in `dir`; there must not be one.
    pub(crate) fn create(dir: &Path, name: &'static str) -> Result<Self, Error> {
        let path = dir.join(name);
        let file = create_private(&path).map_err(Error::write(&path, "created"))?;
        Ok(Self { path, name, out: BufWriter::new(Digested { file, sha256: Sha256::new(), bytes: 0 }) })
    }

    /// Says in an error which file it was that could not be written.
    pub(crate) fn named(&self) -> impl FnOnce(io::Error) -> Error + use<> {
        let path = self.path.clone();
        move |source| Error::write(&path, "written")(source)
    }

    /// Writes what is left and waits until the disk has all of it.
    pub(crate) fn finish(self) -> Result<OutputFile, Error> {
        let named = self.named();
        let done = || -> io::Result<OutputFile> {
            let Digested { file, sha256, bytes } =
                self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.sync_all()?;
            Ok(OutputFile { name: self.name, bytes, sha256: to_hex(&sha256.finalize()) })
        };
        done().map_err(named)
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl Write for Digested {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.sha256.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Creates a file that only its owner may read, where the system knows of that.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens a file and nothing else: follows no link and does not wait at a pipe.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path)?;
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a file")),
    }
}
