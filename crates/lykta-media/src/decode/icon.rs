//! The largest picture of a Windows icon or cursor.

use std::borrow::Cow;

use image::ImageFormat;

use crate::error::Cause;
use crate::sniff::Format;

/// The directory's header and each of its entries, in bytes.
const HEADER_LEN: usize = 6;
const ENTRY_LEN: usize = 16;

/// The largest picture, and of equal ones that with most bits a pixel: a whole PNG as it lies in
/// the icon, or a bitmap in an icon of its own. The decoder of icons would choose by depth first
/// and refuse every PNG without alpha.
pub(super) fn largest(bytes: &[u8]) -> Result<(Cow<'_, [u8]>, ImageFormat), Cause> {
    const TRUNCATED: Cause = Cause::Truncated { format: Format::Ico };
    let (header, rest) = bytes.split_first_chunk::<HEADER_LEN>().ok_or(TRUNCATED)?;
    let count = usize::from(u16::from_le_bytes([header[4], header[5]]));
    let (entries, _) = rest.get(..count * ENTRY_LEN).ok_or(TRUNCATED)?.as_chunks::<ENTRY_LEN>();
    // In a cursor the fields of colour planes and depth hold the hot spot.
    let depth = |entry: &[u8; ENTRY_LEN]| if header[2] == 1 { entry[6] } else { 0 };
    // A side of 256 is written as 0.
    let side = |byte: u8| u32::from(byte.wrapping_sub(1)) + 1;
    let best = entries.iter().max_by_key(|entry| (side(entry[0]) * side(entry[1]), depth(entry)));
    let entry = best.ok_or(TRUNCATED)?;
    let number = |i: usize| u32::from_le_bytes([entry[i], entry[i + 1], entry[i + 2], entry[i + 3]]) as usize;
    let picture = bytes.get(number(12)..).and_then(|rest| rest.get(..number(8))).ok_or(TRUNCATED)?;
    if picture.starts_with(b"\x89PNG") {
        return Ok((picture.into(), ImageFormat::Png));
    }
    let mut alone = vec![0, 0, 1, 0, 1, 0];
    alone.extend_from_slice(&entry[..12]);
    alone.extend_from_slice(&((HEADER_LEN + ENTRY_LEN) as u32).to_le_bytes());
    alone.extend_from_slice(picture);
    Ok((alone.into(), ImageFormat::Ico))
}
