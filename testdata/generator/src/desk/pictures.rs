//! Pictures with others in them.

use anyhow::Context;
use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use crate::landscape::landscape;

pub(super) fn jpeg(picture: &RgbImage, quality: u8) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(picture)?;
    Ok(bytes)
}

/// A JPEG with `content` in a segment behind its first two bytes.
fn with_segment(jpeg: &[u8], marker: u8, content: &[u8]) -> anyhow::Result<Vec<u8>> {
    let len = u16::try_from(content.len() + 2).context("too long for a segment")?;
    Ok([&jpeg[..2], &[0xff, marker], &len.to_be_bytes(), content, &jpeg[2..]].concat())
}

const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;

/// A directory of TIFF, with what is at 8 being the first.
fn ifd(entries: &[(u16, u16, u32, u32)], next: u32) -> Vec<u8> {
    let mut out = u16::try_from(entries.len()).unwrap_or(u16::MAX).to_le_bytes().to_vec();
    for (tag, kind, count, value) in entries {
        out.extend([&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes()].concat());
        out.extend(value.to_le_bytes());
    }
    out.extend(next.to_le_bytes());
    out
}

/// Bytes of a directory.
const fn ifd_len(entries: u32) -> u32 {
    2 + 12 * entries + 4
}

fn len(bytes: &[u8]) -> anyhow::Result<u32> {
    Ok(u32::try_from(bytes.len())?)
}

/// A JPEG with a thumbnail of another.
pub(super) fn with_thumbnail(jpeg: &[u8], thumbnail: &[u8]) -> anyhow::Result<Vec<u8>> {
    let second = 8 + ifd_len(1);
    let at = second + ifd_len(3);
    let exif = [
        b"Exif\0\0II*\0\x08\0\0\0",
        // Which way is up.
        &ifd(&[(0x112, SHORT, 1, 1)], second)[..],
        &ifd(&[(0x103, SHORT, 1, 6), (0x201, LONG, 1, at), (0x202, LONG, 1, len(thumbnail)?)], 0),
        thumbnail,
    ];
    with_segment(jpeg, 0xe1, &exif.concat())
}

/// A JPEG that lists another one behind it.
pub(super) fn with_second(jpeg: &[u8], second: &[u8]) -> anyhow::Result<Vec<u8>> {
    const ENTRIES: u32 = 2 * 16;
    let at = 8 + ifd_len(3);
    let index = |main: u32, offset: u32| -> anyhow::Result<Vec<u8>> {
        let version = u32::from_le_bytes(*b"0100");
        let entries =
            [(0xb000, UNDEFINED, 4, version), (0xb001, LONG, 1, 2), (0xb002, UNDEFINED, ENTRIES, at)];
        let mut out = [b"MPF\0II*\0\x08\0\0\0", &ifd(&entries, 0)[..]].concat();
        for (size, offset) in [(main, 0), (len(second)?, offset)] {
            out.extend([&[0; 4][..], &size.to_le_bytes(), &offset.to_le_bytes(), &[0; 4]].concat());
        }
        Ok(out)
    };
    let main = len(&with_segment(jpeg, 0xe2, &index(0, 0)?)?)?;
    // Offsets count from behind "MPF\0": the first two bytes, marker, length and that.
    let main_jpeg = with_segment(jpeg, 0xe2, &index(main, main - 10)?)?;
    Ok([&main_jpeg[..], second].concat())
}

/// A small picture of no list, with a preview of another.
pub(super) fn tiff_with_preview(preview: &[u8]) -> anyhow::Result<Vec<u8>> {
    const SIDE: u32 = 64;
    let pixels = landscape(9000, SIDE, SIDE).into_raw();
    let bits = 8 + ifd_len(9) + ifd_len(3);
    let pixels_at = bits + 6;
    let preview_at = pixels_at + len(&pixels)?;
    let first = ifd(
        &[
            (0x100, LONG, 1, SIDE),
            (0x101, LONG, 1, SIDE),
            (0x102, SHORT, 3, bits),
            (0x103, SHORT, 1, 1),
            (0x106, SHORT, 1, 2),
            (0x111, LONG, 1, pixels_at),
            (0x115, SHORT, 1, 3),
            (0x116, LONG, 1, SIDE),
            (0x117, LONG, 1, len(&pixels)?),
        ],
        8 + ifd_len(9),
    );
    let second =
        ifd(&[(0x103, SHORT, 1, 6), (0x201, LONG, 1, preview_at), (0x202, LONG, 1, len(preview)?)], 0);
    Ok([b"II*\0\x08\0\0\0", &first[..], &second, &[8, 0, 8, 0, 8, 0], &pixels, preview].concat())
}
