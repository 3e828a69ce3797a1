//! The markers of a JPEG, read without decoding: size, kind, and where the picture ends.
//!
//! Section numbers are those of ITU-T T.81. Stray bytes between segments are skipped, as every
//! decoder does: cameras write them.

use crate::error::Cause;
use crate::sniff::Format;

/// The end-of-image marker.
pub(super) const END: [u8; 2] = [0xff, EOI];

const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const TEM: u8 = 0x01;

/// What the segments before the first scan say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) width: u16,
    pub(super) height: u16,
    /// Whether the picture goes on after its first scan: it is progressive, or that scan has not
    /// all components.
    pub(super) has_more_scans: bool,
    /// Whether nothing but segments and fill bytes is before the first scan. What decoders make of
    /// anything else differs, so what is counted here need not be what they find.
    pub(super) is_regular: bool,
    /// Segments before the first scan.
    pub(super) segments: usize,
    components: u8,
    /// Samples of all components, rounded up to whole blocks as decoders hold them.
    samples: u64,
    /// Where the data of the first scan begins, in bytes from the start of the file.
    scan: usize,
}

impl Head {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Cause> {
        let mut at = 2;
        let mut frame = None;
        let (mut is_regular, mut segments) = (true, 0);
        loop {
            let before = at;
            let marker = next_marker(bytes, &mut at).ok_or(TRUNCATED)?;
            is_regular &= !is_bare(marker) && bytes[before..at - 1].iter().all(|&byte| byte == 0xff);
            if marker == EOI {
                return Err(damaged("it ends before its first scan"));
            }
            if is_bare(marker) {
                continue;
            }
            let segment = segment(bytes, &mut at).ok_or(TRUNCATED)?;
            segments += 1;
            match marker {
                // B.2.2: SOF0 to SOF15 without DHT, JPG and DAC.
                0xc0..=0xcf if !matches!(marker, 0xc4 | 0xc8 | 0xcc) => {
                    frame = Some(Self::of_frame(marker, segment)?);
                }
                SOS => {
                    let mut head = frame.ok_or_else(|| damaged("its first scan comes before its frame"))?;
                    let in_scan = segment.first().copied().unwrap_or(0);
                    head.has_more_scans |= in_scan < head.components;
                    head.scan = at;
                    (head.is_regular, head.segments) = (is_regular, segments);
                    return Ok(head);
                }
                _ => {}
            }
        }
    }

    /// B.2.2: precision, height, width, count; then for each component a name, its sampling
    /// factors in two half bytes, and a table.
    fn of_frame(marker: u8, segment: &[u8]) -> Result<Self, Cause> {
        let (fields, rest) = segment.split_first_chunk::<6>().ok_or_else(|| damaged("its frame is short"))?;
        let height = u16::from_be_bytes([fields[1], fields[2]]);
        let width = u16::from_be_bytes([fields[3], fields[4]]);
        let components = fields[5];
        let factors: Vec<(u64, u64)> = rest
            .as_chunks::<3>()
            .0
            .iter()
            .take(components.into())
            .map(|component| (u64::from(component[1] >> 4), u64::from(component[1] & 15)))
            .collect();
        if factors.len() != usize::from(components) || factors.iter().any(|&(h, v)| h == 0 || v == 0) {
            return Err(damaged("the components of its frame are wrong"));
        }
        let across = factors.iter().map(|&(h, _)| h).max().unwrap_or(1);
        let down = factors.iter().map(|&(_, v)| v).max().unwrap_or(1);
        let blocks_across = u64::from(width).div_ceil(8 * across);
        let blocks_down = u64::from(height).div_ceil(8 * down);
        let blocks: u64 = factors.iter().map(|&(h, v)| blocks_across * h * blocks_down * v).sum();
        let has_more_scans = matches!(marker, 0xc2 | 0xc6 | 0xca | 0xce);
        Ok(Self {
            width,
            height,
            has_more_scans,
            is_regular: true,
            segments: 0,
            components,
            samples: blocks * 64,
            scan: 0,
        })
    }

    /// Bytes at the worst moment of the second decoder, which wants more than the first: two a
    /// coefficient and one a sample of each component, and the output with all of them; and tables.
    pub(super) fn memory(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        3 * self.samples + pixels * u64::from(self.components.max(1)) + (512 << 10)
    }
}

/// Where the end-of-image marker is, in bytes from the start of the file. O(file).
///
/// What follows it (a second picture, a film, padding) does not count, nor do the markers of
/// thumbnails, which lie inside segments.
pub(super) fn end(bytes: &[u8], head: &Head) -> Option<usize> {
    let mut at = head.scan;
    loop {
        let marker = next_marker(bytes, &mut at)?;
        if marker == EOI {
            return Some(at - END.len());
        }
        if !is_bare(marker) {
            segment(bytes, &mut at)?;
        }
    }
}

/// Scans of the picture in `bytes`, which end where it does; never fewer than a decoder that
/// begins at the same first scan finds. O(file).
///
/// So each pair of bytes that is the marker of one counts, wherever it is: entropy data cannot
/// contain it, thumbnails lie before the first scan, and what each decoder takes for a segment
/// between scans need not be followed.
pub(super) fn scans(bytes: &[u8], head: &Head) -> u64 {
    let pairs = bytes[head.scan..].windows(2);
    1 + pairs.filter(|pair| *pair == [0xff, SOS]).count() as u64
}

/// Moves past the next marker and returns its second byte. Entropy data is skipped as stray bytes:
/// in it every 0xff is followed by 0.
fn next_marker(bytes: &[u8], at: &mut usize) -> Option<u8> {
    loop {
        let rest = bytes.get(*at..)?;
        let prefix = rest.iter().position(|&byte| byte == 0xff)?;
        let fill = rest[prefix..].iter().position(|&byte| byte != 0xff)?;
        let marker = rest[prefix + fill];
        *at += prefix + fill + 1;
        if marker != 0 {
            return Some(marker);
        }
    }
}

/// Whether nothing belongs to the marker: TEM, RST0 to RST7, SOI.
fn is_bare(marker: u8) -> bool {
    matches!(marker, TEM | 0xd0..=0xd8)
}

/// Moves past the segment at `at` and returns what is in it.
fn segment<'a>(bytes: &'a [u8], at: &mut usize) -> Option<&'a [u8]> {
    let length = usize::from(u16::from_be_bytes(*bytes.get(*at..)?.first_chunk()?));
    let segment = bytes.get(*at + 2..*at + length)?;
    *at += length;
    Some(segment)
}

const TRUNCATED: Cause = Cause::Truncated { format: Format::Jpeg };

fn damaged(reason: &str) -> Cause {
    Cause::Damaged { format: Format::Jpeg, reason: reason.to_owned() }
}
