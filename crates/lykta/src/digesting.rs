//! Knowing what was read: the SHA-256 of bytes that pass through.

use std::io::{self, Read};

use sha2::{Digest as _, Sha256};

/// Digests and counts what is read through it.
#[derive(Debug)]
pub(crate) struct Digesting<R> {
    input: R,
    sha256: Sha256,
    bytes: u64,
}

impl<R> Digesting<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, sha256: Sha256::new(), bytes: 0 }
    }

    /// SHA-256 of what was read so far.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.sha256.clone().finalize().into()
    }

    /// Its length in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }
}

impl<R: Read> Read for Digesting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}
