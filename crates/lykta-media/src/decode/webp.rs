//! Whether all bytes of a WebP's first picture are there: its decoder reads zeros past the end.

/// Whether the first chunk with pixels lies within `bytes`. RFC 9649: after 12 bytes, chunks of a
/// name, a length and as many bytes, padded to an even number.
///
/// True where no such chunk begins: the decoder will say what is missing.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    let mut at = 12;
    while let Some((header, _)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if matches!(&header[..4], b"VP8 " | b"VP8L" | b"ANMF") {
            return end <= bytes.len();
        }
        at = end.saturating_add(length % 2);
    }
    true
}
