//! Archives made to wear out whoever opens them: little of them is large in itself.

use std::io::Write;

use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use flate2::{Compression, Crc};

/// An archive made to do harm.
#[derive(Clone, Debug)]
pub struct Bomb {
    /// A name for its file.
    pub name: &'static str,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// Bytes that come out of the largest single stream.
const GIGABYTE: u64 = 1 << 30;

/// Layers of the deepest.
const LAYERS: usize = 10_000;

/// One of each kind. Takes some seconds, most of them to compress zeros.
///
/// # Errors
/// When something cannot be compressed.
pub fn bombs() -> anyhow::Result<Vec<Bomb>> {
    let mut zlib = ZlibEncoder::new(Vec::new(), Compression::best());
    zeros(&mut zlib, GIGABYTE)?;
    let zlib = zlib.finish()?;
    Ok(vec![
        Bomb { name: "zeros.gz", bytes: zero_gzip()? },
        Bomb { name: "nested.zip", bytes: nested_zip()? },
        Bomb { name: "overlapping.zip", bytes: overlapping_zip()? },
        Bomb { name: "sparse.tar", bytes: sparse_tar() },
        Bomb { name: "deep.zip", bytes: deep_zip() },
        Bomb { name: "deep.gz", bytes: deep_gzip()? },
        Bomb { name: "deep.eml", bytes: deep_mail() },
        Bomb { name: "flate.pdf", bytes: flate_pdf(&zlib) },
    ])
}

fn zeros(out: &mut impl Write, count: u64) -> anyhow::Result<()> {
    let piece = vec![0; 1 << 20];
    for _ in 0..count >> 20 {
        out.write_all(&piece)?;
    }
    Ok(())
}

fn zero_gzip() -> anyhow::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    zeros(&mut encoder, GIGABYTE)?;
    Ok(encoder.finish()?)
}

/// What stands of a member in its header and in the directory.
fn fields(method: u16, crc: u32, packed: usize, size: u64, name: &[u8]) -> Vec<u8> {
    let number = |number: u64| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut out = vec![20, 0, 0, 0];
    out.extend(method.to_le_bytes());
    out.extend([0, 0, 0x21, 0]);
    out.extend(crc.to_le_bytes());
    out.extend(number(packed as u64));
    out.extend(number(size));
    out.extend(u16::try_from(name.len()).unwrap_or(u16::MAX).to_le_bytes());
    out.extend([0, 0]);
    out
}

fn end(count: u16, len: usize, at: usize) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let count = count.to_le_bytes();
    [b"PK\x05\x06", &[0; 4], &count[..], &count, &number(len), &number(at), &[0; 2]].concat()
}

/// An archive of `times` entries that all have the same data, each with a header of its own or all with one.
fn zip_of(name: &[u8], content: &[u8], times: u16, overlap: bool) -> anyhow::Result<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content)?;
    let packed = encoder.finish()?;
    let mut crc = Crc::new();
    crc.update(content);
    let fields = fields(8, crc.sum(), packed.len(), content.len() as u64, name);
    let member = [b"PK\x03\x04", &fields[..], name, &packed].concat();
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for number in 0..times {
        let at = if overlap { 0 } else { u32::try_from(out.len())? };
        if number == 0 || !overlap {
            out.extend_from_slice(&member);
        }
        directory.extend([b"PK\x01\x02\x14\x03", &fields[..], &[0; 10], &at.to_le_bytes(), name].concat());
    }
    let at = out.len();
    out.extend_from_slice(&directory);
    out.extend(end(times, directory.len(), at));
    Ok(out)
}

/// Sixteen in each of sixteen, four deep, and 16 MiB of zeros in each of those: 1 TiB.
fn nested_zip() -> anyhow::Result<Vec<u8>> {
    let mut bytes = vec![0; 16 << 20];
    for name in [&b"zeros"[..], b"1.zip", b"2.zip", b"3.zip"] {
        bytes = zip_of(name, &bytes, 16, false)?;
    }
    Ok(bytes)
}

/// Ten thousand entries of the same 10 MiB: 100 GiB.
fn overlapping_zip() -> anyhow::Result<Vec<u8>> {
    zip_of(b"zeros", &vec![0; 10 << 20], 10_000, true)
}

/// A file of 1 TiB that is all holes but for its last byte, as GNU tar writes it.
fn sparse_tar() -> Vec<u8> {
    const SIZE: u64 = 1 << 40;
    // In base 256: too large for digits.
    let large = |number: u64| [&[0x80, 0, 0, 0][..], &number.to_be_bytes()].concat();
    let mut header = [0; 512];
    header[..6].copy_from_slice(b"sparse");
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(b"00000000001\0");
    header[136..148].copy_from_slice(b"00000000000\0");
    header[148..156].fill(b' ');
    header[156] = b'S';
    header[257..265].copy_from_slice(b"ustar  \0");
    // Where the first part is, and how long.
    header[386..398].copy_from_slice(&large(SIZE - 1));
    header[398..410].copy_from_slice(b"00000000001\0");
    header[483..495].copy_from_slice(&large(SIZE));
    let sum: u32 = header.iter().copied().map(u32::from).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut out = [&header[..], b"x"].concat();
    out.resize(1024 + 1024, 0);
    out
}

/// Archives in one another, nothing compressed: the checksum of each is put together from those of its parts.
fn deep_zip() -> Vec<u8> {
    const NAME: &[u8] = b"a.zip";
    let inner = b"nothing";
    let mut crc = Crc::new();
    crc.update(inner);
    let (mut fronts, mut backs) = (Vec::new(), Vec::new());
    let mut len = inner.len();
    for _ in 0..LAYERS {
        let fields = fields(0, crc.sum(), len, len as u64, NAME);
        let front = [b"PK\x03\x04", &fields[..], NAME].concat();
        let directory = [b"PK\x01\x02\x14\x03", &fields[..], &[0; 14], NAME].concat();
        let back = [&directory[..], &end(1, directory.len(), front.len() + len)].concat();
        let part = |bytes: &[u8]| {
            let mut crc = Crc::new();
            crc.update(bytes);
            crc
        };
        let mut all = part(&front);
        all.combine(&crc);
        all.combine(&part(&back));
        crc = all;
        len += front.len() + back.len();
        fronts.push(front);
        backs.push(back);
    }
    let mut out = Vec::with_capacity(len);
    fronts.iter().rev().for_each(|front| out.extend_from_slice(front));
    out.extend_from_slice(inner);
    backs.iter().for_each(|back| out.extend_from_slice(back));
    out
}

fn deep_gzip() -> anyhow::Result<Vec<u8>> {
    let mut bytes = b"nothing".to_vec();
    for _ in 0..LAYERS {
        let mut encoder = GzEncoder::new(Vec::with_capacity(bytes.len() + 64), Compression::none());
        encoder.write_all(&bytes)?;
        bytes = encoder.finish()?;
    }
    Ok(bytes)
}

fn deep_mail() -> Vec<u8> {
    let mut out =
        b"From: a@example.org\r\nTo: b@example.org\r\nSubject: deep\r\nMIME-Version: 1.0\r\n".to_vec();
    for level in 0..LAYERS {
        out.extend(
            format!("Content-Type: multipart/mixed; boundary=\"b{level}\"\r\n\r\n--b{level}\r\n")
                .into_bytes(),
        );
    }
    out.extend_from_slice(b"Content-Type: text/plain\r\n\r\nnothing\r\n");
    for level in (0..LAYERS).rev() {
        out.extend(format!("--b{level}--\r\n").into_bytes());
    }
    out
}

fn flate_pdf(zlib: &[u8]) -> Vec<u8> {
    let head = format!(
        "%PDF-1.7\n1 0 obj\n<</Type/EmbeddedFile/Filter/FlateDecode/Length {}>>\nstream\n",
        zlib.len()
    );
    [head.as_bytes(), zlib, b"\nendstream\nendobj\n%%EOF\n"].concat()
}
