//! A container read front to back: its own digests are made of what its reader takes, and of the rest at the end.

use std::io::{self, Read};

use lykta_hash::Digests;
use lykta_media::Digester;
use lykta_source::container::ContainerError;

use crate::read::{PIECE, Watch};

/// A stream that digests what is read from it.
pub(crate) struct Tee<'t> {
    head: Vec<u8>,
    /// How much of the head was read.
    at: usize,
    rest: &'t mut dyn Read,
    digester: Digester,
    size: u64,
    watch: Watch<'t>,
    /// What comes behind the head, where that is an error.
    broken: Option<ContainerError>,
}

impl<'t> Tee<'t> {
    /// `head` was read from `rest` before; `broken` is how that ended, if it did not go on.
    pub(crate) fn new(
        head: Vec<u8>,
        rest: &'t mut dyn Read,
        digester: Digester,
        watch: Watch<'t>,
        broken: Option<ContainerError>,
    ) -> Self {
        Self { head, at: 0, rest, digester, size: 0, watch, broken }
    }

    /// Reads what its reader left.
    ///
    /// # Errors
    /// What ended it early; also when the scan is stopped.
    pub(crate) fn drain(&mut self) -> Result<(), ContainerError> {
        let mut piece = vec![0; PIECE];
        while self.read(&mut piece)? > 0 {}
        Ok(())
    }

    /// Digests and number of all bytes that were read.
    pub(crate) fn finish(self) -> (Digests, u64) {
        (self.digester.finish(), self.size)
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.watch.is_stopped() {
            return Err(ContainerError::CutShort.into());
        }
        let count = match &self.head[self.at..] {
            [] => match self.broken.take() {
                Some(error) => return Err(error.into()),
                None => self.rest.read(buffer)?,
            },
            head => {
                let count = head.len().min(buffer.len());
                buffer[..count].copy_from_slice(&head[..count]);
                self.at += count;
                count
            }
        };
        self.digester.update(&buffer[..count]);
        self.size += count as u64;
        Ok(count)
    }
}
