//! What surrounds the first frame of a GIF.
//!
//! Where that frame does not cover the canvas, decoders differ: browsers and `image` leave it
//! transparent. Pillow, whose pixels the reference hashes are made from, starts from a canvas of
//! the frame's transparent index or of index 0, and so does this.

/// The first frame's place, in pixels, and the colour around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstFrame {
    left: usize,
    top: usize,
    width: usize,
    height: usize,
    around: [u8; 3],
}

const EXTENSION: u8 = 0x21;
const GRAPHIC_CONTROL: u8 = 0xf9;
const IMAGE: u8 = 0x2c;

impl FirstFrame {
    /// Reads blocks up to the first frame; none if they are not there. GIF89a, sections 17 to 23.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let global = table(*bytes.get(10)?, 13);
        let mut at = 13 + global.map_or(0, |(_, entries)| 3 * entries);
        let mut transparent = None;
        while *bytes.get(at)? == EXTENSION {
            if *bytes.get(at + 1)? == GRAPHIC_CONTROL && bytes.get(at + 3)? & 1 == 1 {
                transparent = Some(*bytes.get(at + 6)?);
            }
            at += 2;
            while *bytes.get(at)? != 0 {
                at += 1 + usize::from(bytes[at]);
            }
            at += 1;
        }
        let fields: &[u8; 10] = bytes.get(at..)?.first_chunk()?;
        let number = |i: usize| usize::from(u16::from_le_bytes([fields[i], fields[i + 1]]));
        let (start, entries) = table(fields[9], at + 10).or(global)?;
        let index = usize::from(transparent.unwrap_or(0));
        let colour = if index < entries { bytes.get(start + 3 * index..)?.first_chunk()? } else { &[0; 3] };
        (fields[0] == IMAGE).then_some(Self {
            left: number(1),
            top: number(3),
            width: number(5),
            height: number(7),
            around: *colour,
        })
    }

    /// Paints what the frame does not cover of a canvas `canvas_width` pixels wide, in RGB.
    pub(super) fn paint_around(&self, rgb: &mut [u8], canvas_width: usize) {
        let (pixels, _) = rgb.as_chunks_mut::<3>();
        for (y, row) in pixels.chunks_mut(canvas_width.max(1)).enumerate() {
            if y < self.top || y >= self.top + self.height {
                row.fill(self.around);
                continue;
            }
            let left = self.left.min(row.len());
            let right = (self.left + self.width).min(row.len());
            row[..left].fill(self.around);
            row[right..].fill(self.around);
        }
    }
}

/// Where the colour table that `flags` announce begins, and how many entries it has.
fn table(flags: u8, start: usize) -> Option<(usize, usize)> {
    (flags & 0x80 != 0).then_some((start, 2 << (flags & 7)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A canvas of 4 x 3 with colours 1 to 12, a control block, and a frame of 2 x 1 at (1, 1).
    fn gif(control: [u8; 4]) -> Vec<u8> {
        let mut bytes = b"GIF89a\x04\0\x03\0\x81\0\0".to_vec();
        bytes.extend(1..=12);
        bytes.extend([EXTENSION, GRAPHIC_CONTROL, 4]);
        bytes.extend(control);
        bytes.extend([0, IMAGE, 1, 0, 1, 0, 2, 0, 1, 0, 0]);
        bytes
    }

    #[test]
    fn the_canvas_has_the_first_colour_or_the_transparent_one() {
        let opaque = FirstFrame::read(&gif([0, 0, 0, 2])).unwrap();
        assert_eq!(opaque.around, [1, 2, 3]);
        let transparent = FirstFrame::read(&gif([1, 0, 0, 2])).unwrap();
        assert_eq!(transparent.around, [7, 8, 9]);
        let mut canvas = vec![0; 36];
        transparent.paint_around(&mut canvas, 4);
        let covered: Vec<usize> = (0..12).filter(|&i| canvas[3 * i..3 * i + 3] == [0; 3]).collect();
        assert_eq!(covered, [5, 6]);
    }

    #[test]
    fn a_header_cut_short_has_no_frame() {
        let whole = gif([1, 0, 0, 2]);
        for length in 0..whole.len() {
            assert_eq!(FirstFrame::read(&whole[..length]), None, "{length} bytes");
        }
    }
}
