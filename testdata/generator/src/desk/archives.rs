//! Writers of archives: as little of each format as the dump needs.

use std::io::{Cursor, Write};

use flate2::write::{DeflateEncoder, GzEncoder};
use flate2::{Compression, Crc};
use sevenz_rust2::{ArchiveEntry, ArchiveWriter, SourceReader};

/// Without a time and a name.
pub(super) fn gzip(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub(super) fn bzip2(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub(super) fn xz(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = lzma_rust2::XzWriter::new(Vec::new(), lzma_rust2::XzOptions::with_preset(1))?;
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

pub(super) fn zstd(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    Ok(ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest))
}

pub(super) fn zlib(bytes: &[u8]) -> anyhow::Result<Vec<u8>> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

/// Names and contents.
pub(super) type SevenZ<'f> = &'f [(&'f str, &'f [u8])];

pub(super) fn sevenz(files: SevenZ<'_>, is_solid: bool) -> anyhow::Result<Vec<u8>> {
    let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()))?;
    if is_solid {
        let entries = files.iter().map(|(name, _)| ArchiveEntry::new_file(name)).collect();
        let readers = files.iter().map(|(_, bytes)| SourceReader::new(*bytes)).collect();
        writer.push_archive_entries(entries, readers)?;
    } else {
        for (name, bytes) in files {
            writer.push_archive_entry(ArchiveEntry::new_file(name), Some(*bytes))?;
        }
    }
    Ok(writer.finish()?.into_inner())
}

/// A zip archive, member by member.
#[derive(Default)]
pub(super) struct Zip {
    bytes: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

impl Zip {
    pub(super) fn stored(&mut self, name: &[u8], bytes: &[u8]) {
        self.add(name, 0, bytes, bytes);
    }

    pub(super) fn deflated(&mut self, name: &[u8], bytes: &[u8]) -> anyhow::Result<()> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes)?;
        self.add(name, 8, &encoder.finish()?, bytes);
        Ok(())
    }

    /// Bytes so far.
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn add(&mut self, name: &[u8], method: u16, packed: &[u8], bytes: &[u8]) {
        let mut crc = Crc::new();
        crc.update(bytes);
        // The bit for names in UTF-8, where they are.
        let flags = if name.is_ascii() || str::from_utf8(name).is_err() { 0u16 } else { 1 << 11 };
        let fields = [
            &[20, 0][..],
            &flags.to_le_bytes(),
            &method.to_le_bytes(),
            // The first of January 1980.
            &[0, 0, 0x21, 0],
            &crc.sum().to_le_bytes(),
            &len_32(packed),
            &len_32(bytes),
            &len_16(name),
            &[0, 0],
        ]
        .concat();
        let offset = len_32(&self.bytes);
        self.bytes.extend([b"PK\x03\x04", &fields[..], name, packed].concat());
        self.directory.extend([b"PK\x01\x02\x14\x03", &fields[..], &[0; 10], &offset, name].concat());
        self.count += 1;
    }

    pub(super) fn finish(self) -> Vec<u8> {
        let Self { mut bytes, directory, count } = self;
        let (at, count) = (len_32(&bytes), count.to_le_bytes());
        bytes.extend_from_slice(&directory);
        bytes
            .extend([b"PK\x05\x06", &[0; 4], &count[..], &count, &len_32(&directory), &at, &[0; 2]].concat());
        bytes
    }

    /// As if it were cut where the directory begins.
    pub(super) fn without_directory(self) -> Vec<u8> {
        self.bytes
    }
}

fn len_32(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

fn len_16(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes()
}

/// A tar as GNU tar writes it, member by member.
#[derive(Default)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    pub(super) fn file(&mut self, name: &[u8], bytes: &[u8]) {
        if name.len() > 100 {
            self.entry(b"././@LongLink", b'L', &[name, b"\0"].concat());
        }
        self.entry(name, b'0', bytes);
    }

    fn entry(&mut self, name: &[u8], kind: u8, bytes: &[u8]) {
        let mut header = [0; 512];
        let short = &name[..name.len().min(100)];
        header[..short.len()].copy_from_slice(short);
        header[100..108].copy_from_slice(b"0000644\0");
        header[108..116].copy_from_slice(b"0000000\0");
        header[116..124].copy_from_slice(b"0000000\0");
        header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
        header[136..148].copy_from_slice(b"00000000000\0");
        header[148..156].fill(b' ');
        header[156] = kind;
        header[257..265].copy_from_slice(b"ustar  \0");
        let sum: u32 = header.iter().copied().map(u32::from).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&header);
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.extend_from_slice(&[0; 1024]);
        self.0.resize(self.0.len().next_multiple_of(10240), 0);
        self.0
    }
}
