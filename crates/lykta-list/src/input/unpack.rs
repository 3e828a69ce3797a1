//! Lists that are compressed: gzip, zstd, and zip with one member, read in place.

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Read};
use std::rc::Rc;

use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{Peeked, ReadOptions, zip};
use crate::error::Error;

/// What a zstd frame may need to look back at, in bytes: 8 MiB is what decoders must take, 128 MiB what
/// `zstd --long` makes.
const ZSTD_WINDOW: u64 = 128 << 20;

/// The stream itself, or what is compressed in it; and whether it was compressed. Only one layer is taken off.
pub(super) fn unpack<'r>(stream: Peeked<'r>, options: &ReadOptions) -> Result<(Peeked<'r>, bool), Error> {
    let unpacked: Box<dyn Read + 'r> = match &stream.head[..] {
        [0x1f, 0x8b, ..] => {
            let input = Watched::new(stream.whole());
            let ended = Rc::clone(&input.ended);
            Box::new(EarlyEnd { input: MultiGzDecoder::new(BufReader::new(input)), ended })
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
            let input = Watched::new(stream.whole());
            let ended = Rc::clone(&input.ended);
            Box::new(EarlyEnd { input: ZstdFrames::new(BufReader::new(input)), ended })
        }
        [b'P', b'K', 3, 4, ..] => zip::member(stream, options)?,
        _ => return Ok((stream, false)),
    };
    Ok((Peeked::new(unpacked), true))
}

/// Remembers that the end was seen.
struct Watched<'r> {
    input: Box<dyn Read + 'r>,
    ended: Rc<Cell<bool>>,
}

impl<'r> Watched<'r> {
    fn new(input: Box<dyn Read + 'r>) -> Self {
        Self { input, ended: Rc::default() }
    }
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(buffer)?;
        self.ended.set(count == 0 && !buffer.is_empty());
        Ok(count)
    }
}

/// Tells a list that was cut short from one that is damaged: decoders call both by the same name.
struct EarlyEnd<D> {
    input: D,
    ended: Rc<Cell<bool>>,
}

impl<D: Read> Read for EarlyEnd<D> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.input.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData | io::ErrorKind::Other
                if self.ended.get() =>
            {
                io::Error::new(io::ErrorKind::UnexpectedEof, error)
            }
            _ => error,
        })
    }
}

/// Frames of zstd, one behind the other, each checked against its checksum when it has one.
struct ZstdFrames<R> {
    input: R,
    decoder: FrameDecoder,
    within: bool,
    /// What ended a frame, to be told after what was decoded of it.
    error: Option<io::Error>,
}

impl<R: BufRead> ZstdFrames<R> {
    fn new(input: R) -> Self {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(ZSTD_WINDOW);
        Self { input, decoder, within: false, error: None }
    }

    /// Begins the next frame that holds something. Returns whether there is one.
    fn next_frame(&mut self) -> io::Result<bool> {
        while !self.input.fill_buf()?.is_empty() {
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    let skipped = io::copy(&mut self.input.by_ref().take(length.into()), &mut io::sink())?;
                    if skipped < length.into() {
                        let cause = "it ends within a zstd frame that is skipped";
                        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, cause));
                    }
                }
                Err(error) => return Err(io::Error::other(error)),
            }
        }
        Ok(false)
    }

    /// Decodes a block. When that fails, the frame is closed with an empty one: until its end a decoder keeps
    /// back what may still be referred to.
    fn decode_block(&mut self) {
        // A last block of no bytes, and a checksum.
        const LAST: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];
        let one = || BlockDecodingStrategy::UptoBlocks(1);
        if let Err(error) = self.decoder.decode_blocks(&mut self.input, one()) {
            self.error = Some(io::Error::other(error));
            if !self.decoder.is_finished() {
                // An error here says nothing new.
                let _ = self.decoder.decode_blocks(&LAST[..], one());
            }
        }
    }

    fn check(&self) -> io::Result<()> {
        let expected = self.decoder.get_checksum_from_data();
        if expected.is_some() && expected != self.decoder.get_calculated_checksum() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a zstd frame does not fit its checksum"));
        }
        Ok(())
    }
}

impl<R: BufRead> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if !self.within {
                self.within = self.next_frame()?;
                if !self.within {
                    return Ok(0);
                }
            }
            while self.decoder.can_collect() == 0 && !self.decoder.is_finished() && self.error.is_none() {
                self.decode_block();
            }
            let count = self.decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            self.within = false;
            match self.error.take() {
                Some(error) => return Err(error),
                None => self.check()?,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

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
