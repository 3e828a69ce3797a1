//! Pictures inside pictures: thumbnails, previews and what is appended. They can show what the main picture no longer
//! does.
//!
//! ```text
//! JPEG: marker walk up to the scan --> APP1 EXIF (IFD1), APP2 MPF, APP13 Photoshop; behind EOI another JPEG
//! TIFF: every IFD and sub-IFD      --> JPEGInterchangeFormat, single strips of JPEG
//! ```
//!
//! O(n) over the file: headers, and one search for the beginning of a further JPEG behind the scan. No pixel is decoded,
//! so a range may hold no valid picture.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::ops::Range;

/// A picture inside a picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preview {
    /// What it is, a step of a [`Locator`](crate::Locator): different for each of one file.
    pub name: String,
    /// Where it is in the file, in bytes.
    pub range: Range<usize>,
}

/// Previews given of one file, at most.
const MOST: usize = 64;
/// Directories read of one TIFF, at most: chains may be loops.
const MOST_IFDS: usize = 256;
/// Entries read of one directory: more than any camera writes.
const MOST_ENTRIES: u64 = 4096;
/// Segments of heads looked at of what is appended to one file: heads may lie in one another.
const MOST_SEGMENTS: usize = 1 << 18;
/// Sub-IFDs that one entry may point to.
const MOST_SUB_IFDS: u64 = 32;

/// Whether [`previews`] may find any in what begins so: if not, the rest need not be read to know that there is none.
pub fn may_have_previews(head: &[u8]) -> bool {
    head.starts_with(&SOI) || Tiff::new(head, 0).is_some()
}

/// The pictures embedded in a JPEG or in a file built as TIFF (DNG, CR2, NEF, ARW), in the order of their places in it.
/// At most 64, none of which is the file itself or has the range of another; others are not looked into. Ranges may lie
/// in one another, but together they are no longer than the file: where they would be, the longest are dropped.
///
/// `bytes` is the whole file. What is damaged gives what is still found.
pub fn previews(bytes: &[u8]) -> Vec<Preview> {
    let mut found = Found { bytes, list: Vec::new(), ranges: BTreeSet::new() };
    if bytes.starts_with(&SOI) {
        jpeg(&mut found);
    } else if let Some(tiff) = Tiff::new(bytes, 0) {
        ifds(&mut found, &tiff, "preview");
    }
    let mut lens: Vec<usize> = found.list.iter().map(|preview| preview.range.len()).collect();
    lens.sort_unstable();
    // What fits, from the shortest on; of those that are as long as the longest of these, the first.
    let mut left = bytes.len();
    let fit = lens.iter().take_while(|len| {
        let rest = left.checked_sub(**len);
        left = rest.unwrap_or(left);
        rest.is_some()
    });
    let count = fit.count();
    if count < lens.len() {
        let longest = lens[count];
        let mut of_longest = lens[..count].iter().filter(|len| **len == longest).count();
        found.list.retain(|preview| {
            let len = preview.range.len();
            let is_last = len == longest && of_longest > 0;
            of_longest -= usize::from(is_last);
            len < longest || is_last
        });
    }
    found.list
}

/// The beginning of a JPEG: SOI, and the first byte of a marker.
const SOI: [u8; 3] = [0xff, 0xd8, 0xff];

struct Found<'b> {
    bytes: &'b [u8],
    list: Vec<Preview>,
    ranges: BTreeSet<(usize, usize)>,
}

impl Found<'_> {
    /// Adds a picture, which has to begin as a JPEG does. `name` gets a number if there is one already.
    fn add(&mut self, name: &str, start: usize, len: usize) {
        let Some(end) = start.checked_add(len) else { return };
        let end = end.min(self.bytes.len());
        if start == 0 || self.list.len() >= MOST || !self.bytes.get(start..end).is_some_and(is_jpeg) {
            return;
        }
        if self.ranges.insert((start, end)) {
            let count = self.list.iter().filter(|other| other.name.starts_with(name)).count();
            let name = if count == 0 { name.to_owned() } else { format!("{name} {}", count + 1) };
            self.list.push(Preview { name, range: start..end });
        }
    }
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&SOI)
}

fn jpeg(found: &mut Found<'_>) {
    let bytes = found.bytes;
    let mut multi = None;
    let mut at = 2;
    // From SOI to the first scan.
    let scan = loop {
        let Some((marker, segment)) = segment(bytes, at) else { return };
        at = segment.end;
        let content = &bytes[segment.clone()];
        match marker {
            SOS => break segment.end,
            APP1 if content.starts_with(b"Exif\0") => {
                if let Some(tiff) = Tiff::within(bytes, segment.start + 6, segment.end) {
                    ifds(found, &tiff, "exif thumbnail");
                }
            }
            APP2 if content.starts_with(b"MPF\0") => {
                multi = multi.or_else(|| Tiff::new(bytes, segment.start + 4));
            }
            APP13 if content.starts_with(PHOTOSHOP) => {
                photoshop(found, segment.start + PHOTOSHOP.len(), segment.end);
            }
            _ => {}
        }
    };
    if let Some(tiff) = &multi {
        multi_picture(found, tiff);
    }
    appended(found, scan);
}

const APP1: u8 = 0xe1;
const APP2: u8 = 0xe2;
const APP13: u8 = 0xed;
const SOS: u8 = 0xda;
const EOI: u8 = 0xd9;
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The marker at `at`, behind fill bytes, and where its content is. None at the end, or where no segment is.
fn segment(bytes: &[u8], mut at: usize) -> Option<(u8, Range<usize>)> {
    if *bytes.get(at)? != 0xff {
        return None;
    }
    while *bytes.get(at)? == 0xff {
        at += 1;
    }
    let marker = *bytes.get(at)?;
    if matches!(marker, 0 | 0x01 | 0xd0..=EOI) {
        return None;
    }
    let len = usize::from(u16::from_be_bytes([*bytes.get(at + 1)?, *bytes.get(at + 2)?]));
    let range = at + 3..at + 1 + len;
    (len >= 2 && range.end <= bytes.len()).then_some((marker, range))
}

/// JPEGs behind the end of this one, such as a second picture of a camera that lists none. Found by their beginning; one
/// ends where the next begins, so that what is appended to it stays with it.
fn appended(found: &mut Found<'_>, scan: usize) {
    let bytes = found.bytes;
    // No scan has these bytes in it, so most files cost one fast search.
    if memchr::memmem::find(&bytes[scan..], &SOI).is_none() {
        return;
    }
    let Some(end) = end_of_scans(bytes, scan) else { return };
    let known: BTreeSet<usize> = found.ranges.iter().map(|range| range.0).collect();
    let mut at = end;
    let mut starts = Vec::new();
    let mut budget = MOST_SEGMENTS;
    let mut has_ends = true;
    while let Some(next) = memchr::memmem::find(&bytes[at..], &SOI) {
        let start = at + next;
        at = start + SOI.len();
        // Only a whole head is a picture: three bytes of a film are soon the same.
        let Some(head) = head_end(bytes, start, &mut budget) else { continue };
        starts.push(start);
        if starts.len() > MOST {
            break;
        }
        // Its own thumbnails are not appended.
        let end = if has_ends { end_of_scans(bytes, head) } else { None };
        has_ends = end.is_some();
        at = end.unwrap_or(head);
    }
    for (k, start) in starts.iter().enumerate() {
        let end = starts.get(k + 1).copied().unwrap_or(bytes.len());
        if !known.contains(start) {
            found.add("appended picture", *start, end - start);
        }
    }
}

/// Where the head of the JPEG at `start` ends, if it has one, and the segments left to look at in this file.
fn head_end(bytes: &[u8], start: usize, budget: &mut usize) -> Option<usize> {
    let mut at = start + 2;
    loop {
        *budget = budget.checked_sub(1)?;
        let (marker, segment) = segment(bytes, at)?;
        at = segment.end;
        if marker == SOS {
            return Some(at);
        }
    }
}

/// Behind the EOI that ends the scans. Stuffed zeros, restart markers and the tables between scans are passed over.
fn end_of_scans(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(0xff, bytes.get(at..)?)?;
        match *bytes.get(at + 1)? {
            EOI => return Some(at + 2),
            0xff => at += 1,
            0 | 0x01 | 0xd0..=0xd7 => at += 2,
            // The length of a segment may lie, into the middle of a scan: that is only looked at from its end on.
            _ => at = segment(bytes, at).map_or(at + 2, |(_, segment)| segment.end),
        }
    }
}

/// Thumbnails in the resources of Photoshop: a header of 28 bytes, and a JPEG.
fn photoshop(found: &mut Found<'_>, mut at: usize, end: usize) {
    let bytes = &found.bytes[..end];
    while let Some([b'8', b'B', b'I', b'M', a, b, name_len]) = bytes.get(at..at + 7) {
        let id = u16::from_be_bytes([*a, *b]);
        // Name and content are padded to even lengths.
        let len_at = at + 6 + ((usize::from(*name_len) + 2) & !1);
        let Some(&[a, b, c, d]) = bytes.get(len_at..len_at + 4) else { return };
        let len = u32::from_be_bytes([a, b, c, d]) as usize;
        if matches!(id, 0x0409 | 0x040c) && len > 28 {
            let len = (len - 28).min(end.saturating_sub(len_at + 32));
            found.add("photoshop thumbnail", len_at + 32, len);
        }
        let Some(next) = (len_at + 4).checked_add(len + (len & 1)) else { return };
        at = next;
    }
}

/// The pictures of an MPF index: the first is the file itself, and offsets are from the byte order mark.
fn multi_picture(found: &mut Found<'_>, tiff: &Tiff<'_>) {
    let Some(ifd) = tiff.first() else { return };
    let Some(entry) = tiff.entries(ifd).find(|entry| entry.tag == MP_ENTRY) else { return };
    let count = (entry.count / 16).min(MOST as u64) as usize;
    let Some(at) = tiff.value_at(&entry) else { return };
    for k in 1..count {
        let (Some(len), Some(offset)) = (tiff.u32(at + 16 * k + 4), tiff.u32(at + 16 * k + 8)) else {
            return;
        };
        if offset != 0 {
            found.add("mpf picture", tiff.start.saturating_add(offset as usize), len as usize);
        }
    }
}

const MP_ENTRY: u16 = 0xb002;
const COMPRESSION: u16 = 0x0103;
const STRIP_OFFSETS: u16 = 0x0111;
const STRIP_LENGTHS: u16 = 0x0117;
const TILE_OFFSETS: u16 = 0x0144;
const TILE_LENGTHS: u16 = 0x0145;
const SUB_IFDS: u16 = 0x014a;
const JPEG_OFFSET: u16 = 0x0201;
const JPEG_LENGTH: u16 = 0x0202;
/// Of Panasonic RW2: a JPEG as the value of an entry.
const JPEG_FROM_RAW: u16 = 0x002e;
const EXIF_IFD: u16 = 0x8769;

/// The JPEGs of every directory that can be reached, once each.
fn ifds(found: &mut Found<'_>, tiff: &Tiff<'_>, name: &str) {
    let mut seen = BTreeSet::new();
    let mut todo: Vec<usize> = tiff.first().into_iter().collect();
    while let Some(ifd) = todo.pop() {
        if seen.len() >= MOST_IFDS || !seen.insert(ifd) {
            continue;
        }
        let (mut jpeg, mut strip, mut tile) = (Pair::default(), Pair::default(), Pair::default());
        let mut compression = 0;
        let mut subs = Vec::new();
        for entry in tiff.entries(ifd) {
            let value = || tiff.number(&entry, 0);
            let single = || if entry.count == 1 { value() } else { None };
            match entry.tag {
                COMPRESSION => compression = value().unwrap_or(0),
                JPEG_OFFSET => jpeg.offset = value(),
                JPEG_LENGTH => jpeg.len = value(),
                STRIP_OFFSETS => strip.offset = single(),
                STRIP_LENGTHS => strip.len = single(),
                TILE_OFFSETS => tile.offset = single(),
                TILE_LENGTHS => tile.len = single(),
                JPEG_FROM_RAW if entry.kind == UNDEFINED => {
                    if let Some(at) = tiff.value_at(&entry) {
                        found.add(name, tiff.start.saturating_add(at), entry.count as usize);
                    }
                }
                SUB_IFDS => {
                    let count = entry.count.min(MOST_SUB_IFDS);
                    subs.extend((0..count).filter_map(|k| tiff.number(&entry, k)));
                }
                EXIF_IFD => subs.extend(value()),
                _ => {}
            }
        }
        let mut add = |pair: Pair| {
            if let (Some(offset), Some(len)) = (pair.offset, pair.len) {
                let start = tiff.start.saturating_add(offset);
                found.add(name, start, len.min(tiff.end.saturating_sub(start)));
            }
        };
        add(jpeg);
        if matches!(compression, 6 | 7) {
            add(strip);
            add(tile);
        }
        // In their order: the last in is read first.
        todo.extend(tiff.next(ifd));
        todo.extend(subs.into_iter().rev());
    }
}

#[derive(Default)]
struct Pair {
    offset: Option<usize>,
    len: Option<usize>,
}

/// A TIFF structure from `start` on, which may not refer to what is behind `end`.
struct Tiff<'b> {
    bytes: &'b [u8],
    start: usize,
    end: usize,
    is_little: bool,
}

const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const UNDEFINED: u16 = 7;
const IFD: u16 = 13;

struct Entry {
    tag: u16,
    kind: u16,
    count: u64,
    /// Where the value is, or the offset of it.
    at: usize,
}

impl<'b> Tiff<'b> {
    fn new(bytes: &'b [u8], start: usize) -> Option<Self> {
        Self::within(bytes, start, bytes.len())
    }

    fn within(bytes: &'b [u8], start: usize, end: usize) -> Option<Self> {
        let bytes = bytes.get(start..end)?;
        let is_little = match bytes.get(..4)? {
            // 42; of Olympus ORF and Panasonic RW2 other numbers.
            [b'I', b'I', 42 | 0x55, 0] | [b'I', b'I', b'R', b'O' | b'S'] => true,
            [b'M', b'M', 0, 42] | [b'M', b'M', b'O', b'R'] => false,
            _ => return None,
        };
        Some(Self { bytes, start, end, is_little })
    }

    fn u16(&self, at: usize) -> Option<u16> {
        let &[a, b] = self.bytes.get(at..at.checked_add(2)?)? else { return None };
        Some(if self.is_little { u16::from_le_bytes([a, b]) } else { u16::from_be_bytes([a, b]) })
    }

    fn u32(&self, at: usize) -> Option<u32> {
        let &[a, b, c, d] = self.bytes.get(at..at.checked_add(4)?)? else { return None };
        let bytes = [a, b, c, d];
        Some(if self.is_little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) })
    }

    fn first(&self) -> Option<usize> {
        self.u32(4).map(|at| at as usize)
    }

    fn entries(&self, ifd: usize) -> impl Iterator<Item = Entry> {
        let count = self.u16(ifd).map_or(0, |count| u64::from(count).min(MOST_ENTRIES)) as usize;
        (0..count).map_while(move |k| {
            let at = ifd + 2 + 12 * k;
            let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
            Some(Entry { tag, kind, count: count.into(), at: at + 8 })
        })
    }

    fn next(&self, ifd: usize) -> Option<usize> {
        let count = usize::from(self.u16(ifd)?);
        self.u32(ifd + 2 + 12 * count).map(|at| at as usize).filter(|at| *at != 0)
    }

    /// Where the values of an entry are, from the beginning of the structure.
    fn value_at(&self, entry: &Entry) -> Option<usize> {
        let size = match entry.kind {
            SHORT => 2,
            LONG | IFD => 4,
            _ => BYTE.into(),
        };
        if entry.count.saturating_mul(size) <= 4 {
            return Some(entry.at);
        }
        self.u32(entry.at).map(|at| at as usize)
    }

    fn number(&self, entry: &Entry, k: u64) -> Option<usize> {
        if k >= entry.count {
            return None;
        }
        let at = self.value_at(entry)?;
        let k = k as usize;
        match entry.kind {
            SHORT => self.u16(at.checked_add(2 * k)?).map(usize::from),
            LONG | IFD => self.u32(at.checked_add(4 * k)?).map(|value| value as usize),
            _ => None,
        }
    }
}
