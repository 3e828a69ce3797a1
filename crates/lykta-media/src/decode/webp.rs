//! What is to be known of a WebP before it is decoded: whether all bytes of its first picture are
//! there, since its decoder reads zeros past the end, and how much memory that takes.

use crate::picture::Dimensions;

/// Bytes that the decoder holds beside its output, as its source has them.
pub(super) fn memory(bytes: &[u8], dimensions: Dimensions, has_alpha: bool) -> u64 {
    let pixels = dimensions.pixels();
    let length = bytes.len() as u64;
    match first_picture(bytes) {
        // ARGB, which with alpha is the output; pictures of its transforms, each a 16th at most.
        Some((b"VP8L", _)) => pixels * if has_alpha { 1 } else { 5 },
        // Planes of whole macroblocks, and a copy of the coded bytes; alpha as ARGB and as a plane.
        Some((b"VP8 ", _)) => {
            let Dimensions { width, height } = dimensions;
            let macroblocks = u64::from(width.div_ceil(16)) * u64::from(height.div_ceil(16));
            macroblocks * 400 + length + if has_alpha { 6 * pixels } else { 0 }
        }
        // An animation: a frame in RGBA with the above, then the canvas.
        _ => pixels * 12 + length,
    }
}

/// Whether the first chunk with pixels lies within `bytes`.
///
/// True where no such chunk begins: the decoder will say what is missing.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    first_picture(bytes).is_none_or(|(_, end)| end <= bytes.len())
}

/// The name of the first chunk with pixels, and where it ends. RFC 9649: after 12 bytes, chunks of
/// a name, a length and as many bytes, padded to an even number.
fn first_picture(bytes: &[u8]) -> Option<(&[u8; 4], usize)> {
    let mut at = 12;
    while let Some((header, _)) = bytes.get(at..).and_then(|rest| rest.split_first_chunk::<8>()) {
        let (name, length) = header.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length.first_chunk()?) as usize;
        let end = at.saturating_add(8).saturating_add(length);
        if matches!(name, b"VP8 " | b"VP8L" | b"ANMF") {
            return Some((name, end));
        }
        at = end.saturating_add(length % 2);
    }
    None
}
