//! What the tests of containers share.

use std::io::{Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::PathBuf;

use super::{Access, Capture, Container, ContainerError, Content, Input, Limits, Member, Meter, members};
use crate::locator::escape;

/// A member, as it was handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Got {
    pub(super) name: String,
    pub(super) offset: Option<u64>,
    pub(super) capture: Option<Capture>,
    pub(super) known: Option<Container>,
    pub(super) bytes: Vec<u8>,
    /// What ended it: an error, or why it was left out.
    pub(super) end: Option<String>,
}

/// Gives so many bytes at a time.
struct Trickle<R>(R, usize);

impl<R: Read> Read for Trickle<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(self.1);
        self.0.read(&mut buffer[..most])
    }
}

impl<R: Seek> Seek for Trickle<R> {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        self.0.seek(to)
    }
}

/// Everything in a container, and how it ended.
pub(super) fn all(container: Container, bytes: &[u8]) -> (Vec<Got>, Option<String>) {
    all_by(container, bytes, usize::MAX)
}

/// The same, the container and its members read by so many bytes at a time.
pub(super) fn all_by(container: Container, bytes: &[u8], step: usize) -> (Vec<Got>, Option<String>) {
    let meter = Meter::new(Limits::default(), bytes.len() as u64);
    let mut found = Vec::new();
    let mut each = |member: Member<'_>| {
        let Member { name, offset, capture, known, content } = member;
        let name = escape(&name).into_owned();
        let mut bytes = Vec::new();
        let end = match content {
            Content::Bytes(stream, _) => {
                let error = Trickle(stream, step).read_to_end(&mut bytes).err();
                error.map(|error| ContainerError::from(error).to_string())
            }
            Content::Skipped(skip, _) => Some(format!("{skip:?}")),
            Content::Failed(error) => Some(error.to_string()),
        };
        found.push(Got { name, offset, capture, known, bytes, end });
        ControlFlow::Continue(())
    };
    let result = match container.access() {
        Access::Stream => members(container, Input::Stream(&mut Trickle(bytes, step)), &meter, &mut each),
        Access::Random => {
            let len = bytes.len() as u64;
            members(container, Input::Random(&mut Trickle(Cursor::new(bytes), step), len), &meter, &mut each)
        }
        Access::Whole => members(container, Input::Whole(bytes), &meter, &mut each),
    };
    (found, result.err().map(|error| error.to_string()))
}

/// The members of what is whole: an error fails the test.
pub(super) fn whole(container: Container, bytes: &[u8]) -> Vec<Got> {
    assert_eq!(Container::sniff(&bytes[..bytes.len().min(Container::SNIFF_LEN)]), Some(container));
    let (found, error) = all(container, bytes);
    assert_eq!(error, None);
    found
}

/// Cut anywhere and with any byte spoiled, nothing panics and what is read by one byte is what is read at once.
pub(super) fn is_sturdy(container: Container, bytes: &[u8], cut: usize, spoiled: &[(usize, u8)]) {
    let mut bytes = bytes[..cut.min(bytes.len())].to_vec();
    for (at, value) in spoiled {
        if let Some(byte) = bytes.get_mut(*at) {
            *byte ^= value;
        }
    }
    let expected = all(container, &bytes);
    for step in [1, 7] {
        assert_eq!(all_by(container, &bytes, step), expected, "by {step}");
    }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut out, bytes).unwrap();
    out.finish().unwrap()
}

pub(super) fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut out, bytes).unwrap();
    out.finish().unwrap()
}

/// Bytes that do not compress, other ones for every seed.
pub(super) fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|_| next()).collect()
}

/// The corpus, if there is one: `LYKTA_CORPUS`.
pub(super) fn corpus(skipped: &str) -> Option<PathBuf> {
    let path = std::env::var_os("LYKTA_CORPUS").map(PathBuf::from);
    if path.is_none() {
        // Not by println, which a test that passes keeps to itself: a skip must be seen.
        let line = format!("skipped, LYKTA_CORPUS is not set: {skipped}\n");
        std::io::Write::write_all(&mut std::io::stderr(), line.as_bytes()).unwrap();
    }
    path
}
