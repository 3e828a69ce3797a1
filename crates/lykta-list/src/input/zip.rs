//! A list in a zip archive: its only member, or among the files of an NSRL release `NSRLFile.txt`, and of version 3
//! the only `.db` or `.sql`.
//!
//! The archive's directory stands at its end, so it is read from a file. The member itself is taken from the
//! stream, which the caller digests as it goes.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use rawzip::{CompressionMethod, RECOMMENDED_BUFFER_SIZE, ZipArchive};

use super::{Peeked, ReadOptions, spool};
use crate::error::Error;

/// The one of an NSRL release that holds hashes, the others say what its numbers mean.
const NSRL_FILE: &str = "NSRLFile.txt";
/// How the names of databases and deltas of version 3 end, in lower case.
const NSRL_ENDINGS: [&[u8]; 2] = [b".db", b".sql"];

/// Where a member is, and what it must be.
struct Member {
    start: u64,
    packed: u64,
    method: CompressionMethod,
    size: u64,
    crc: u32,
}

/// The bytes of the member that is the list.
pub(super) fn member<'r>(stream: Peeked<'r>, options: &ReadOptions) -> Result<Box<dyn Read + 'r>, Error> {
    let io = |source| Error::io(1, source);
    let (mut archive, mut stream): (File, Box<dyn Read + 'r>) = match &options.path {
        Some(path) => (File::open(path).map_err(io)?, stream.whole()),
        None => {
            let copy = spool(stream.whole(), options.folder.as_deref()).map_err(io)?;
            (copy.try_clone().map_err(io)?, Box::new(copy))
        }
    };
    let member = find(&archive)?;
    if options.path.is_none() {
        // The copy shares its position with the file whose directory was read.
        archive.seek(SeekFrom::Start(0)).map_err(io)?;
    }
    io::copy(&mut stream.by_ref().take(member.start), &mut io::sink()).map_err(io)?;
    let packed = stream.take(member.packed);
    let input: Box<dyn Read + 'r> = match member.method {
        CompressionMethod::Store => Box::new(packed),
        CompressionMethod::Deflate => Box::new(DeflateDecoder::new(packed)),
        other => {
            let detail =
                format!("the list is packed by method {} of zip: unpack it first", other.as_id().as_u16());
            return Err(Error::Packed { detail });
        }
    };
    Ok(Box::new(Checked { input, crc: Crc::new(), expected: (member.size, member.crc) }))
}

/// The member that is the list.
fn find(archive: &File) -> Result<Member, Error> {
    let bad = |error: rawzip::Error| Error::Packed {
        detail: format!("the zip archive is damaged or was cut short ({error}): get it again"),
    };
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let copy = archive.try_clone().map_err(|source| Error::io(1, source))?;
    let archive = ZipArchive::from_file(copy, &mut buffer).map_err(bad)?;
    let (mut only, mut nsrl, mut files) = (None, None, 0u64);
    let (mut release, mut releases) = (None, 0u64);
    let mut entries = archive.entries(&mut buffer);
    while let Some(entry) = entries.next_entry().map_err(bad)? {
        if entry.is_dir() {
            continue;
        }
        files += 1;
        let path = entry.file_path();
        let name = path.as_ref();
        let is_nsrl = name.rsplit(|byte| *byte == b'/').next() == Some(NSRL_FILE.as_bytes());
        let found =
            (entry.wayfinder(), entry.compression_method(), entry.uncompressed_size_hint(), entry.crc32());
        if is_nsrl && nsrl.replace(found).is_some() {
            return Err(Error::Packed {
                detail: format!("the zip archive has several {NSRL_FILE}: unpack it"),
            });
        }
        let name = name.to_ascii_lowercase();
        if NSRL_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
            (release, releases) = (Some(found), releases + 1);
        }
        only = Some(found);
    }
    let found = match (files, nsrl, releases, only, release) {
        (_, Some(nsrl), ..) => nsrl,
        (1, None, _, Some(only), _) => only,
        (_, None, 1, _, Some(release)) => release,
        _ => {
            let detail = format!(
                "the zip archive holds {files} files and none is {NSRL_FILE}, or the only .db or .sql: unpack it and \
                 name the list"
            );
            return Err(Error::Packed { detail });
        }
    };
    let (wayfinder, method, size, crc) = found;
    let (start, end) = archive.get_entry(wayfinder).map_err(bad)?.compressed_data_range();
    Ok(Member { start, packed: end.saturating_sub(start), method, size, crc })
}

/// Compares length and checksum at the end.
struct Checked<'r> {
    input: Box<dyn Read + 'r>,
    crc: Crc,
    expected: (u64, u32),
}

impl Read for Checked<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.crc.update(&buffer[..count]);
        if count > 0 || buffer.is_empty() {
            return Ok(count);
        }
        // A checksum knows the length only up to 4 GiB.
        let got = (self.crc.amount(), self.crc.sum());
        let expected = (self.expected.0 as u32, self.expected.1);
        if got == expected {
            Ok(0)
        } else {
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the member of the zip archive does not fit its length and checksum",
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::DeflateEncoder;
    use rawzip::ZipArchiveWriter;

    fn archive(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut writer = ZipArchiveWriter::new(&mut bytes);
        for (name, content) in members {
            let (mut entry, config) = writer.new_file(name).compression_method(method).start().unwrap();
            let descriptor = if method == CompressionMethod::Store {
                let mut data = config.wrap(&mut entry);
                data.write_all(content).unwrap();
                data.finish().unwrap().1
            } else {
                let mut data = config.wrap(DeflateEncoder::new(&mut entry, Compression::fast()));
                data.write_all(content).unwrap();
                data.finish().unwrap().1
            };
            entry.finish(descriptor).unwrap();
        }
        writer.finish().unwrap();
        bytes
    }

    fn read(bytes: &[u8], by_path: bool) -> Result<Vec<u8>, String> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let path = by_path.then(|| file.path().to_owned());
        let options = ReadOptions { path, ..ReadOptions::default() };
        let mut all = Vec::new();
        let mut stream = member(Peeked::new(Box::new(bytes)), &options).map_err(|error| error.to_string())?;
        stream.read_to_end(&mut all).map_err(|error| error.to_string())?;
        Ok(all)
    }

    #[test]
    fn the_only_member_is_read_from_a_file_and_from_a_pipe() {
        let text = b"line\n".repeat(50_000);
        for method in [CompressionMethod::Store, CompressionMethod::Deflate] {
            for by_path in [false, true] {
                let one = archive(&[("folder/list.txt", &text)], method);
                assert!(read(&one, by_path).unwrap() == text);
                assert!(read(&one[..one.len() - 30], by_path).unwrap_err().contains("cut short"));
                let nsrl =
                    archive(&[("NSRLMfg.txt", b"x"), ("RDS/NSRLFile.txt", &text), ("a", b"y")], method);
                assert!(read(&nsrl, by_path).unwrap() == text);
            }
        }
    }

    /// NIST packs a database, or a delta, with notes on the release beside it.
    #[test]
    fn the_only_database_or_delta_of_a_release_is_the_list() {
        let beside = ("rds/README.txt", &b"x"[..]);
        for name in ["rds/RDS_2026.03.1_modern_minimal.db", "rds/RDS_2026.03.1_modern_minimal_delta.SQL"] {
            let release = archive(&[beside, (name, b"list")], CompressionMethod::Store);
            assert_eq!(read(&release, true).unwrap(), b"list");
        }
        let two = archive(&[beside, ("a.db", b"x"), ("b.sql", b"y")], CompressionMethod::Store);
        assert!(read(&two, true).unwrap_err().contains("holds 3 files"));
    }

    #[test]
    fn which_of_several_members_is_the_list_is_not_guessed() {
        let two = archive(&[("a.txt", b"x"), ("b.txt", b"y")], CompressionMethod::Store);
        assert!(read(&two, true).unwrap_err().contains("holds 2 files"));
    }

    #[test]
    fn a_member_that_does_not_fit_its_checksum_is_an_error() {
        let mut bytes = archive(&[("a.txt", b"some text")], CompressionMethod::Store);
        let at = bytes.windows(4).position(|window| window == b"some").unwrap();
        bytes[at] = b'S';
        assert!(read(&bytes, true).unwrap_err().contains("checksum"));
    }
}
