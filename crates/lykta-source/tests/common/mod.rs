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

/// A zip archive, made to order.
#[derive(Clone, Default)]
pub(crate) struct Zip {
    pub(crate) bytes: Vec<u8>,
    pub(crate) directory: Vec<u8>,
    pub(crate) count: u16,
    /// Put numbers where archives of more than 4 GiB have them.
    pub(crate) is_64: bool,
    /// Put lengths and checksum behind the data.
    pub(crate) has_descriptors: bool,
}

impl Zip {
    pub(crate) fn add(&mut self, name: &[u8], method: u16, flags: u16, packed: &[u8], content: &[u8]) -> u64 {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        self.add_entry(name, method, flags, packed, content.len() as u64, crc.sum(), 0)
    }

    #[expect(clippy::too_many_arguments, reason = "one for each field")]
    pub(crate) fn add_entry(
        &mut self,
        name: &[u8],
        method: u16,
        flags: u16,
        packed: &[u8],
        size: u64,
        crc: u32,
        mode: u32,
    ) -> u64 {
        let offset = self.bytes.len() as u64;
        let flags = flags | if self.has_descriptors { 8 } else { 0 };
        let local = if self.has_descriptors { (0, 0, 0) } else { (crc, packed.len() as u64, size) };
        let local = self.entry(name, method, flags, local, None);
        self.bytes
            .extend([&b"PK\x03\x04"[..], &local[..], name, &self.extra(packed.len(), size, None)].concat());
        self.bytes.extend_from_slice(packed);
        if self.has_descriptors {
            self.bytes.extend([&b"PK\x07\x08"[..], &crc.to_le_bytes()].concat());
            for number in [packed.len() as u64, size] {
                let len = if self.is_64 { 8 } else { 4 };
                self.bytes.extend_from_slice(&number.to_le_bytes()[..len]);
            }
        }
        self.add_directory_entry(name, method, flags, (crc, packed.len() as u64, size), mode, offset);
        offset
    }

    pub(crate) fn add_directory_entry(
        &mut self,
        name: &[u8],
        method: u16,
        flags: u16,
        numbers: (u32, u64, u64),
        mode: u32,
        offset: u64,
    ) {
        let fields = self.entry(name, method, flags, numbers, Some(mode));
        let at = if self.is_64 { u32::MAX } else { offset as u32 };
        let extra = self.extra(numbers.1 as usize, numbers.2, Some(offset));
        let signature = &b"PK\x01\x02\x14\x03"[..];
        self.directory.extend([signature, &fields, &at.to_le_bytes(), name, &extra].concat());
        self.count = self.count.wrapping_add(1);
    }

    /// What a header and an entry of the directory have in common, and what the latter has besides.
    fn entry(
        &self,
        name: &[u8],
        method: u16,
        flags: u16,
        numbers: (u32, u64, u64),
        mode: Option<u32>,
    ) -> Vec<u8> {
        let number = |number: u64| if self.is_64 { u32::MAX } else { number as u32 }.to_le_bytes();
        let extra_len: u16 = match (self.is_64, mode) {
            (false, _) => 0,
            (true, None) => 20,
            (true, Some(_)) => 28,
        };
        let mut fields = [&[20, 0][..], &flags.to_le_bytes(), &method.to_le_bytes(), &[0; 4]].concat();
        fields.extend(numbers.0.to_le_bytes());
        fields.extend([number(numbers.1), number(numbers.2)].concat());
        fields.extend([(name.len() as u16).to_le_bytes(), extra_len.to_le_bytes()].concat());
        if let Some(mode) = mode {
            fields.extend([0; 6]);
            fields.extend((mode << 16).to_le_bytes());
        }
        fields
    }

    fn extra(&self, packed: usize, size: u64, offset: Option<u64>) -> Vec<u8> {
        if !self.is_64 {
            return Vec::new();
        }
        let numbers = [Some(size), Some(packed as u64), offset].into_iter().flatten();
        let numbers = numbers.flat_map(u64::to_le_bytes).collect::<Vec<_>>();
        [&[1, 0][..], &(numbers.len() as u16).to_le_bytes(), &numbers].concat()
    }

    pub(crate) fn finish(mut self) -> Vec<u8> {
        let (start, len) = (self.bytes.len() as u64, self.directory.len() as u64);
        self.bytes.append(&mut self.directory);
        let (mut count, mut len_32, mut start_32) = (self.count, len as u32, start as u32);
        if self.is_64 {
            let end = self.bytes.len() as u64;
            let count_64 = u64::from(count).to_le_bytes();
            self.bytes.extend([&b"PK\x06\x06"[..], &44u64.to_le_bytes(), &[45, 0, 45, 0], &[0; 8]].concat());
            self.bytes.extend([count_64, count_64, len.to_le_bytes(), start.to_le_bytes()].concat());
            self.bytes.extend([&b"PK\x06\x07"[..], &[0; 4], &end.to_le_bytes(), &[1, 0, 0, 0]].concat());
            (count, len_32, start_32) = (u16::MAX, u32::MAX, u32::MAX);
        }
        self.bytes.extend([&b"PK\x05\x06"[..], &[0; 4], &count.to_le_bytes(), &count.to_le_bytes()].concat());
        self.bytes.extend([len_32.to_le_bytes(), start_32.to_le_bytes()].concat());
        self.bytes.extend([0; 2]);
        self.bytes
    }
}

pub(crate) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
