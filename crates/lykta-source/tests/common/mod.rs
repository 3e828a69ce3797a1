//! Containers read as a scanner reads them.

#![expect(clippy::unwrap_used, reason = "what cannot be made fails the test")]
#![allow(dead_code, reason = "every test uses some of it")]

use std::io::{Cursor, Write};
use std::ops::ControlFlow;

use lykta_source::container::{
    Access, Container, ContainerError, Content, Input, Limits, Member, Meter, members,
};

/// A member, read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) name: Vec<u8>,
    pub(crate) offset: Option<u64>,
    pub(crate) bytes: Vec<u8>,
    /// Why there are no more bytes.
    pub(crate) error: Option<String>,
    pub(crate) skip: Option<String>,
    /// Bytes that the container states.
    pub(crate) size: Option<u64>,
}

pub(crate) fn read(member: Member<'_>) -> Found {
    let mut found = Found { name: member.name, offset: member.offset, ..Found::default() };
    match member.content {
        Content::Bytes(stream, size) => {
            found.size = size;
            if let Err(error) = stream.read_to_end(&mut found.bytes) {
                found.error = Some(ContainerError::from(error).name().to_owned());
            }
        }
        Content::Skipped(reason, size) => {
            found.skip = Some(format!("{reason:?}"));
            found.size = Some(size);
        }
        Content::Failed(error) => found.error = Some(error.name().to_owned()),
    }
    found
}

pub(crate) fn each_member(
    container: Container,
    bytes: &[u8],
    meter: &Meter,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    match container.access() {
        Access::Stream => {
            let mut stream = bytes;
            members(container, Input::Stream(&mut stream), meter, each)
        }
        Access::Random => {
            let mut file = Cursor::new(bytes);
            members(container, Input::Random(&mut file, bytes.len() as u64), meter, each)
        }
        Access::Whole => members(container, Input::Whole(bytes), meter, each),
    }
}

/// All members, and how it ended.
pub(crate) fn all(container: Container, bytes: &[u8]) -> (Vec<Found>, Result<(), ContainerError>) {
    let meter = Meter::new(Limits::default(), bytes.len() as u64);
    let mut found = Vec::new();
    let ending = each_member(container, bytes, &meter, &mut |member| {
        found.push(read(member));
        ControlFlow::Continue(())
    });
    (found, ending)
}

/// What a container that is as it should be holds: names and bytes.
pub(crate) fn good(container: Container, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    assert_eq!(Container::sniff(&bytes[..bytes.len().min(Container::SNIFF_LEN)]), Some(container));
    let (found, ending) = all(container, bytes);
    ending.unwrap();
    let name = |found: &Found| String::from_utf8(found.name.clone()).unwrap();
    found
        .into_iter()
        .map(|found| {
            assert_eq!((&found.error, &found.skip), (&None, &None), "{}", name(&found));
            assert!(found.size.is_none_or(|size| size == found.bytes.len() as u64), "{}", name(&found));
            (name(&found), found.bytes)
        })
        .collect()
}

/// Bytes that compress a little.
pub(crate) fn noise(len: usize, mut seed: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(seed >> 40).to_le_bytes()[..3]);
        bytes.extend_from_slice(b"abc");
    }
    bytes.truncate(len);
    bytes
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn bzip2(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn xz(bytes: &[u8]) -> Vec<u8> {
    let options = lzma_rust2::XzOptions::with_preset(1);
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), options).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// With a checksum.
pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
