//! UTF-16 to UTF-8: lists of older programs on Windows.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, UTF_16BE, UTF_16LE};

use super::Peeked;

/// Whether a list begins with a byte order mark of UTF-16.
pub(super) fn is_meant(head: &[u8]) -> bool {
    head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff")
}

/// The text as UTF-8, without its byte order mark. Half a pair of surrogates is an error, not a replacement.
pub(super) fn to_utf8(stream: Peeked<'_>) -> Box<dyn Read + '_> {
    let encoding = if stream.head.starts_with(b"\xff\xfe") { UTF_16LE } else { UTF_16BE };
    Box::new(Utf16 {
        input: stream.whole(),
        decoder: encoding.new_decoder_with_bom_removal(),
        read: vec![0; 32 << 10],
        ended: false,
        decoded: Vec::with_capacity(64 << 10),
        given: 0,
    })
}

struct Utf16<'r> {
    input: Box<dyn Read + 'r>,
    decoder: encoding_rs::Decoder,
    read: Vec<u8>,
    ended: bool,
    decoded: Vec<u8>,
    /// Bytes of `decoded` that were given away.
    given: usize,
}

impl Utf16<'_> {
    fn fill(&mut self) -> io::Result<()> {
        let count = self.input.read(&mut self.read)?;
        self.ended = count == 0;
        let room = self.decoder.max_utf8_buffer_length_without_replacement(count).unwrap_or(usize::MAX);
        self.decoded.resize(room, 0);
        let (result, _, written) = self.decoder.decode_to_utf8_without_replacement(
            &self.read[..count],
            &mut self.decoded,
            self.ended,
        );
        self.decoded.truncate(written);
        self.given = 0;
        match result {
            DecoderResult::InputEmpty => Ok(()),
            _ if self.ended => {
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, "half a character of UTF-16"))
            }
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "no valid UTF-16")),
        }
    }
}

impl Read for Utf16<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.decoded.len() && !self.ended {
            self.fill()?;
        }
        let count = (&self.decoded[self.given..]).read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decoded(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        to_utf8(Peeked::new(Box::new(bytes))).read_to_string(&mut text)?;
        Ok(text)
    }

    proptest! {
        #[test]
        fn text_is_read_back_and_half_of_it_is_not_taken_for_all(text in ".{0,40}", big in any::<bool>()) {
            let units: Vec<u16> = std::iter::once(0xfeff).chain(text.encode_utf16()).collect();
            let bytes: Vec<u8> = units
                .iter()
                .flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() })
                .collect();
            prop_assert_eq!(decoded(&bytes).unwrap(), text);
            prop_assert!(bytes.len() == 2 || decoded(&bytes[..bytes.len() - 1]).is_err());
        }
    }
}
