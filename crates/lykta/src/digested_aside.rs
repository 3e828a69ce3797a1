//! Digesting in a thread of its own: of a long list it takes a fifth of the time that reading takes.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;

use sha2::{Digest, Sha256};

/// Bytes that are handed over at a time.
const BLOCK: usize = 256 << 10;

/// Blocks that wait at most.
const WAITING: usize = 4;

/// Reads on, while another thread digests what was read.
pub(crate) struct DigestedAside<R> {
    input: R,
    bytes: u64,
    block: Vec<u8>,
    full: SyncSender<Vec<u8>>,
    /// Blocks that were digested come back to be filled again.
    empty: Receiver<Vec<u8>>,
    sha256: Receiver<[u8; 32]>,
}

impl<R: Read> DigestedAside<R> {
    pub(crate) fn new<'scope>(scope: &'scope Scope<'scope, '_>, input: R) -> Self {
        let (full, blocks) = sync_channel::<Vec<u8>>(WAITING);
        let (used, empty) = sync_channel(WAITING + 2);
        let (done, sha256) = sync_channel(1);
        scope.spawn(move || {
            let mut digest = Sha256::new();
            for mut block in blocks {
                digest.update(&block);
                block.clear();
                // One that nobody wants back is let go.
                let _ = used.try_send(block);
            }
            let _ = done.send(digest.finalize().into());
        });
        Self { input, bytes: 0, block: Vec::new(), full, empty, sha256 }
    }

    /// Reads what is left; SHA-256 and length of everything.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub(crate) fn finish(mut self) -> io::Result<([u8; 32], u64)> {
        io::copy(&mut self, &mut io::sink())?;
        self.hand_over()?;
        drop(self.full);
        let sha256 = self.sha256.recv().map_err(|_| stopped())?;
        Ok((sha256, self.bytes))
    }

    fn hand_over(&mut self) -> io::Result<()> {
        let next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BLOCK));
        self.full.send(std::mem::replace(&mut self.block, next)).map_err(|_| stopped())
    }
}

impl<R: Read> Read for DigestedAside<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.bytes += count as u64;
        self.block.extend_from_slice(&buffer[..count]);
        if self.block.len() >= BLOCK {
            self.hand_over()?;
        }
        Ok(count)
    }
}

/// The other thread ends only when it has panicked.
fn stopped() -> io::Error {
    io::Error::other("the digest of the list could not be made")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    #[test]
    fn the_digest_is_that_of_all_however_much_was_read() {
        let all: Vec<u8> = (0..3 * BLOCK as u32 + 7).map(|number| (number * 31 % 251) as u8).collect();
        for taken in [0, 5, BLOCK, all.len()] {
            thread::scope(|scope| {
                let mut input = DigestedAside::new(scope, &all[..]);
                let mut start = vec![0; taken];
                input.read_exact(&mut start).unwrap();
                assert!(start == all[..taken]);
                let (sha256, bytes) = input.finish().unwrap();
                assert_eq!((bytes, sha256), (all.len() as u64, <[u8; 32]>::from(Sha256::digest(&all))));
            });
        }
    }

    /// A list that is refused at its first line must not wait for the rest of a pipe.
    #[test]
    fn what_is_not_read_to_its_end_keeps_nobody_waiting() {
        thread::scope(|scope| {
            let mut input = DigestedAside::new(scope, io::repeat(7));
            input.read_exact(&mut [0; 3]).unwrap();
        });
    }
}
