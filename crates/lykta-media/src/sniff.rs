//! Which picture format bytes are, by their content alone: names and extensions lie.

use std::fmt;

/// A picture format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// JPEG: baseline, extended and progressive DCT with Huffman coding, 8 bits.
    Jpeg,
    /// PNG, and the default picture of an APNG.
    Png,
    /// GIF: its first frame on its canvas.
    Gif,
    /// WebP, lossy and lossless, and the first frame of an animated one.
    WebP,
    /// Windows bitmap.
    Bmp,
    /// TIFF and BigTIFF: the first picture in it.
    Tiff,
    /// Windows icon or cursor: the largest picture in it.
    Ico,
    /// Portable bitmap, greymap, pixmap and anymap (P1 to P7).
    Pnm,
    /// Quite OK Image.
    Qoi,
    /// farbfeld.
    Farbfeld,
    /// DirectDraw surface. Recognised, not decoded.
    Dds,
    /// HEIF with HEVC inside: 4:2:0 and grey, 8 and 10 bits, one picture or a grid of tiles.
    Heic,
    /// HEIF with AV1 inside. Recognised, not decoded.
    Avif,
    /// JPEG XL, bare or in its container. Recognised, not decoded.
    JpegXl,
    /// JPEG 2000, bare or in its container. Recognised, not decoded.
    Jpeg2000,
    /// OpenEXR. Recognised, not decoded.
    OpenExr,
    /// Radiance HDR. Recognised, not decoded.
    Hdr,
    /// Photoshop document. Recognised, not decoded.
    Psd,
}

impl Format {
    /// Every format, in order.
    pub const ALL: [Self; 18] = [
        Self::Jpeg,
        Self::Png,
        Self::Gif,
        Self::WebP,
        Self::Bmp,
        Self::Tiff,
        Self::Ico,
        Self::Pnm,
        Self::Qoi,
        Self::Farbfeld,
        Self::Dds,
        Self::Heic,
        Self::Avif,
        Self::JpegXl,
        Self::Jpeg2000,
        Self::OpenExr,
        Self::Hdr,
        Self::Psd,
    ];

    /// The usual name, for messages and records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Gif => "GIF",
            Self::WebP => "WebP",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Ico => "ICO",
            Self::Pnm => "PNM",
            Self::Qoi => "QOI",
            Self::Farbfeld => "farbfeld",
            Self::Dds => "DDS",
            Self::Heic => "HEIC",
            Self::Avif => "AVIF",
            Self::JpegXl => "JPEG XL",
            Self::Jpeg2000 => "JPEG 2000",
            Self::OpenExr => "OpenEXR",
            Self::Hdr => "Radiance HDR",
            Self::Psd => "PSD",
        }
    }

    /// Whether [`decode`](crate::decode) decodes it. The others are recognised so that a file is
    /// reported as not examined instead of passing for something else.
    pub const fn is_decoded(self) -> bool {
        match self {
            Self::Jpeg | Self::Png | Self::Gif | Self::WebP | Self::Bmp | Self::Tiff => true,
            Self::Ico | Self::Pnm | Self::Qoi | Self::Farbfeld | Self::Heic => true,
            Self::Avif | Self::JpegXl | Self::Jpeg2000 => false,
            Self::Dds | Self::OpenExr | Self::Hdr | Self::Psd => false,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Bytes that [`sniff`] looks at, at most: room for the comment before the numbers of a PNM, which
/// some writers fill with a line about themselves.
pub const SNIFF_LEN: usize = 512;

/// The format of a file that begins with `head`; none if it is no picture that is known here.
///
/// Looks at the first [`SNIFF_LEN`] bytes and at nothing else. O(1), no allocation. Formats whose
/// first bytes alone are weak (BMP, ICO, PNM) must show plausible header fields too: text beginning
/// with `BM` or `P1` is not to be reported as a damaged picture.
pub fn sniff(head: &[u8]) -> Option<Format> {
    let head = &head[..head.len().min(SNIFF_LEN)];
    let starts = |magic: &[u8]| head.starts_with(magic);
    let format = if starts(&[0xff, 0xd8, 0xff]) {
        Format::Jpeg
    } else if starts(b"\x89PNG\r\n\x1a\n") {
        Format::Png
    } else if starts(b"GIF87a") || starts(b"GIF89a") {
        Format::Gif
    } else if starts(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Format::WebP
    } else if is_bmp(head) {
        Format::Bmp
    } else if starts(b"II*\0") || starts(b"MM\0*") || starts(b"II+\0") || starts(b"MM\0+") {
        Format::Tiff
    } else if is_icon(head) {
        Format::Ico
    } else if is_pnm(head) {
        Format::Pnm
    } else if starts(b"qoif") {
        Format::Qoi
    } else if starts(b"farbfeld") {
        Format::Farbfeld
    } else if starts(b"DDS \x7c\0\0\0") {
        Format::Dds
    } else if head.get(4..8) == Some(b"ftyp") {
        return heif(head);
    } else if starts(&[0xff, 0x0a]) || starts(b"\0\0\0\x0cJXL \r\n\x87\n") {
        Format::JpegXl
    } else if starts(&[0xff, 0x4f, 0xff, 0x51]) || starts(b"\0\0\0\x0cjP  \r\n\x87\n") {
        Format::Jpeg2000
    } else if starts(b"\x76\x2f\x31\x01") {
        Format::OpenExr
    } else if starts(b"#?RADIANCE") || starts(b"#?RGBE") {
        Format::Hdr
    } else if starts(b"8BPS\0\x01") || starts(b"8BPS\0\x02") {
        Format::Psd
    } else {
        return None;
    };
    Some(format)
}

/// `BM` and, at offset 14, a header size that some version of the format has: text has no zeros
/// there. Not more: a bitmap with other fields wrong is a damaged one, which is to be reported.
fn is_bmp(head: &[u8]) -> bool {
    const HEADER_SIZES: [u32; 9] = [12, 16, 40, 52, 56, 64, 68, 108, 124];
    let size = head.get(14..18).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    head.starts_with(b"BM") && size.is_some_and(|size| HEADER_SIZES.contains(&size))
}

/// Icon or cursor, with a first entry whose reserved byte is 0 and that lies after the directory.
fn is_icon(head: &[u8]) -> bool {
    let Some((fields, _)) = head.split_first_chunk::<22>() else { return false };
    let count = u32::from(u16::from_le_bytes([fields[4], fields[5]]));
    let offset = u32::from_le_bytes([fields[18], fields[19], fields[20], fields[21]]);
    matches!(fields[..4], [0, 0, 1 | 2, 0]) && count != 0 && fields[9] == 0 && offset >= 6 + 16 * count
}

/// `P1` to `P6` and the numbers of a header, whole; or `P7` and a line of one.
///
/// `P1 3 items to buy` is a note. So every number must be there, and be one that a picture can have,
/// and where the samples are text too, the first of them must be numbers.
fn is_pnm(head: &[u8]) -> bool {
    let [b'P', kind @ b'1'..=b'7', rest @ ..] = head else { return false };
    if *kind == b'7' {
        return rest.starts_with(b"\n") && is_pam_line(rest);
    }
    let mut rest = rest;
    let mut number = || pnm_number(&mut rest);
    let (width, height) = (number(), number());
    let depth = if matches!(kind, b'1' | b'4') { Some(1) } else { number() };
    let (Some(1..), Some(1..), Some(1..=0xffff)) = (width, height, depth) else { return false };
    // One white space ends the header.
    let Some((blank, samples)) = rest.split_first() else { return false };
    let is_text = matches!(kind, b'1'..=b'3');
    let is_number = |byte: &u8| byte.is_ascii_digit() || is_blank(*byte);
    is_blank(*blank) && (!is_text || samples.iter().take_while(|byte| **byte != b'#').all(is_number))
}

/// Reads a number after white space or comments, of which there must be some.
fn pnm_number(rest: &mut &[u8]) -> Option<u32> {
    let before = rest.len();
    loop {
        let blanks = rest.iter().take_while(|byte| is_blank(**byte)).count();
        *rest = &rest[blanks..];
        if rest.first() != Some(&b'#') {
            break;
        }
        let comment = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'))?;
        *rest = &rest[comment..];
    }
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, after) = rest.split_at(digits);
    if before == number.len() + after.len() {
        return None;
    }
    *rest = after;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Whether the first line that is no comment begins with a word of PAM.
fn is_pam_line(rest: &[u8]) -> bool {
    const WORDS: [&[u8]; 6] = [b"WIDTH", b"HEIGHT", b"DEPTH", b"MAXVAL", b"TUPLTYPE", b"ENDHDR"];
    let mut lines = rest.split(|byte| *byte == b'\n').filter(|line| !matches!(line, [] | [b'#', ..]));
    let word = lines.next().and_then(|line| line.split(|byte| is_blank(*byte)).next());
    word.is_some_and(|word| WORDS.contains(&word))
}

/// White space of C, which has the vertical tab.
fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// The picture formats among the brands of an ISO base media file; a film is none.
fn heif(head: &[u8]) -> Option<Format> {
    let box_len = u32::from_be_bytes(*head.first_chunk()?) as usize;
    let brands = head.get(8..head.len().min(box_len))?.as_chunks::<4>().0;
    let major = *brands.first()?;
    let has = |wanted: &[&[u8; 4]]| brands.iter().any(|brand| wanted.contains(&brand));
    if matches!(&major, b"avif" | b"avis") {
        return Some(Format::Avif);
    }
    if matches!(&major, b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs") {
        return Some(Format::Heic);
    }
    // The general brands: what is inside is named among the compatible ones.
    if !matches!(&major, b"mif1" | b"msf1" | b"mif2" | b"miaf") {
        return None;
    }
    Some(if has(&[b"avif", b"avis"]) { Format::Avif } else { Format::Heic })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn each_format_is_known_by_its_first_bytes() {
        let icon = b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0\x20\0\x68\x04\0\0\x16\0\0\0";
        let heads: [(&[u8], Format); 24] = [
            (b"\xff\xd8\xff\xe0", Format::Jpeg),
            (b"\x89PNG\r\n\x1a\n", Format::Png),
            (b"GIF89a", Format::Gif),
            (b"GIF87a", Format::Gif),
            (b"RIFF\0\0\0\0WEBPVP8 ", Format::WebP),
            (b"BM\0\0\0\0\0\0\0\0\0\0\0\0\x28\0\0\0", Format::Bmp),
            (b"II*\0", Format::Tiff),
            (b"MM\0+", Format::Tiff),
            (icon, Format::Ico),
            (b"P5 8 8 255\n", Format::Pnm),
            (b"P6\n# made by hand\n3 4\n255\n", Format::Pnm),
            (b"P7\nWIDTH 3", Format::Pnm),
            (b"qoif", Format::Qoi),
            (b"farbfeld", Format::Farbfeld),
            (b"DDS \x7c\0\0\0", Format::Dds),
            (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Format::Heic),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", Format::Heic),
            (b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif", Format::Avif),
            (b"\0\0\0\x1cftypavif\0\0\0\0mif1miaf", Format::Avif),
            (b"\xff\x0a\0", Format::JpegXl),
            (b"\0\0\0\x0cjP  \r\n\x87\n", Format::Jpeg2000),
            (b"\x76\x2f\x31\x01", Format::OpenExr),
            (b"#?RADIANCE\n", Format::Hdr),
            (b"8BPS\0\x01", Format::Psd),
        ];
        for (head, format) in heads {
            assert_eq!(sniff(head), Some(format), "{format}");
        }
    }

    #[test]
    fn text_and_films_are_no_pictures() {
        for head in [
            &b""[..],
            b"BM is two letters, and so is this text",
            b"BM, and at fourteen a number:\0\0\0",
            b"\0\0\x01\0 with four bytes like an icon's",
            b"\0\0\x01\0\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
            b"\0\0\0\x18ftypisom\0\0\0\0avc1",
            b"RIFF\0\0\0\0WAVE",
        ] {
            assert_eq!(sniff(head), None, "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn notes_that_begin_with_p_and_a_digit_are_no_pictures() {
        for head in [
            &b"P1 is the first of six"[..],
            b"P1 3 items to buy",
            b"P1 3 4 items to buy",
            b"P2 3 4 items to buy",
            b"P3 1 2 255 rooms",
            b"P1 3 4th item",
            b"P5 3,4 255\n",
            b"P5 8 8",
            b"P5 8 8 255",
            b"P5 8 8 70000\n",
            b"P5 0 8 255\n",
            b"P5 8 99999999999 255\n",
            b"P6 # a list of no numbers",
            b"P6 # a list\nof no numbers",
            b"P58 8 255\n",
            b"P7\nis the seventh",
            b"P7\nWIDTHS 3",
            b"P7 332\n",
            b"P8 3 4\n",
        ] {
            assert_eq!(sniff(head), None, "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn headers_of_pnm_are_known_however_they_are_spaced() {
        let remarked = format!("P6\n# {}\n4000 3000\n255\n", "Created by hand ".repeat(20));
        for head in [
            &b"P1\n3 2\n010101\n"[..],
            b"P1 3 2\n# the first row\n0 1 0",
            b"P4 30000 30000\n",
            b"P4\t3\x0b0002\n\xff\xff",
            b"P2\r\n3 2\r\n65535\r\n",
            b"P3#a\n3#b\n#c\r2 #d\n 255\n1 2 3",
            b"P5 8 8 255\nabc",
            b"P7\n#a comment\n\nTUPLTYPE RGB\n",
            remarked.as_bytes(),
        ] {
            assert_eq!(sniff(head), Some(Format::Pnm), "{:?}", head.escape_ascii().to_string());
        }
    }

    #[test]
    fn names_are_distinct() {
        let mut names: Vec<_> = Format::ALL.iter().map(|format| format.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Format::ALL.len());
    }

    proptest! {
        #[test]
        fn only_the_first_bytes_count(head in prop::collection::vec(any::<u8>(), 0..2 * SNIFF_LEN), more in any::<u8>()) {
            let mut longer = head.clone();
            longer.push(more);
            if head.len() >= SNIFF_LEN {
                prop_assert_eq!(sniff(&head), sniff(&longer));
            }
        }
    }
}
