//! Lists that are compressed: gzip, zstd, and zip with one member, read in place.

use std::io::Read;

use lykta_source::container::{Container, Limits, decoder};

use super::{Peeked, ReadOptions, zip};
use crate::error::Error;

/// The stream itself, or what is compressed in it; and whether it was compressed. Only one layer is taken off.
pub(super) fn unpack<'r>(stream: Peeked<'r>, options: &ReadOptions) -> Result<(Peeked<'r>, bool), Error> {
    let unpacked: Box<dyn Read + 'r> = match &stream.head[..] {
        [0x1f, 0x8b, ..] => decoder(Container::Gzip, stream.whole(), &Limits::default()),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            decoder(Container::Zstd, stream.whole(), &Limits::default())
        }
        [b'P', b'K', 3, 4, ..] => zip::member(stream, options)?,
        _ => return Ok((stream, false)),
    };
    Ok((Peeked::new(unpacked), true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{self, Write};

    use flate2::{Compression, write::GzEncoder};
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    fn unpacked(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let peeked = Peeked::new(Box::new(bytes));
        let (stream, is_unpacked) =
            unpack(peeked, &ReadOptions::default()).map_err(|error| io::Error::other(error.to_string()))?;
        assert!(is_unpacked);
        let mut all = Vec::new();
        stream.whole().read_to_end(&mut all)?;
        Ok(all)
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    /// Parallel compressors and `cat` make several members of one file: a reader that stops behind the first
    /// loses the rest in silence.
    #[test]
    fn members_and_frames_behind_one_another_are_all_read_and_none_is_cut_in_silence() {
        let text: Vec<u8> = (0..200_000u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        let (first, second) = text.split_at(700_001);
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let zstd = |part: &[u8]| compress_to_vec(part, CompressionLevel::Fastest);
        for packed in [
            [gzip(first), gzip(second)].concat(),
            [zstd(first), skipped.clone(), zstd(second)].concat(),
            [skipped, zstd(first), zstd(second)].concat(),
        ] {
            assert!(unpacked(&packed).unwrap() == text);
            for cut in [packed.len() - 1, packed.len() - 5, packed.len() * 3 / 4] {
                let error = unpacked(&packed[..cut]).unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}: {error}");
            }
        }
        let mut spoiled = gzip(&text);
        let middle = spoiled.len() / 2;
        spoiled[middle] ^= 0x55;
        assert_ne!(unpacked(&spoiled).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }

    /// Who cut a list inside a frame that is skipped lost the frames behind it in silence.
    #[test]
    fn a_cut_inside_a_skipped_frame_is_told() {
        let skipped = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"abc"].concat();
        let first = compress_to_vec(&b"1\n"[..], CompressionLevel::Fastest);
        let packed = [first.clone(), skipped].concat();
        assert_eq!(unpacked(&packed).unwrap(), b"1\n");
        for cut in first.len() + 1..packed.len() {
            let error = unpacked(&packed[..cut]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{cut}: {error}");
        }
    }

    /// A decoder keeps what may still be referred to, often all of a list: the rows in it are not lost with
    /// the end.
    #[test]
    fn what_was_unpacked_before_an_early_end_is_given() {
        let text: Vec<u8> = (0..60_000u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        for packed in [gzip(&text), compress_to_vec(&text[..], CompressionLevel::Fastest)] {
            let cut = &packed[..packed.len() / 2];
            let Ok((stream, _)) = unpack(Peeked::new(Box::new(cut)), &ReadOptions::default()) else {
                panic!()
            };
            let mut all = Vec::new();
            let error = stream.whole().read_to_end(&mut all).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{error}");
            assert!(all.len() > text.len() / 8 && text.starts_with(&all), "{} bytes", all.len());
        }
    }
}
