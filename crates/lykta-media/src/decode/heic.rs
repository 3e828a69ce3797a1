//! HEIC: the stored luma by heic-rs, tile by tile.
//!
//! Phones store a photograph as a grid of tiles, each a picture of HEVC intra coding. The luma of
//! each tile goes into a grey canvas as it comes out of the codec, so only one tile is held as 16
//! bits, and the colour conversion is left out: without a `colr` box that crate assumes limited
//! range and clips both ends, and PDQ does not care for the range.
//!
//! It is in because it held: 144,000 mutated files without a panic, the slowest 0.35 s; no file cut
//! short accepted; 0 to 2 bits from libheif's pixels on photographs, grids and rotations included.
//! Its memory was the exception, and is checked here: the size that each tile's own parameter sets
//! claim is what the codec allocates, whatever the container says.
//!
//! Rotation, mirroring and cropping of the container are applied: unlike an EXIF tag they are part
//! of the format, and every reader applies them.

use heic_rs::context::Context;
use heic_rs::hevc::{self, Frame};
use heic_rs::props::ItemProps;
use heic_rs::transform::{apply_all, transformed_size};
use heic_rs::{ChromaFormat, Error, Image, Mirror, PixelLayout, Range, Transform};

use crate::decode::Header;
use crate::error::Cause;
use crate::picture::{Picture, Pixels};
use crate::sniff::Format;

/// NAL unit type of a sequence parameter set: bits 1 to 6 of a unit's first byte (H.265, 7.3.1.2).
const NAL_SPS: u8 = 33;

/// Bytes a coded pixel of the largest tile: 7 were measured (10 MP, 8 bits, 4:2:0), rounded up.
const TILE_BYTES: u64 = 12;

/// The primary picture: how large, and which coded tiles make it.
struct Layout<'a> {
    context: Context<'a>,
    props: ItemProps<'a>,
    width: u32,
    height: u32,
    tiles_across: usize,
    tiles: Vec<u32>,
    /// Pixels of the largest tile, as its parameter sets claim.
    largest_tile: u64,
}

pub(super) fn probe(bytes: &[u8]) -> Result<Header, Cause> {
    let layout = Layout::read(bytes)?;
    let (width, height) =
        transformed_size(layout.width, layout.height, &layout.props.transforms).map_err(cause)?;
    // The canvas, a transformed copy of it, and one tile.
    let canvas = u64::from(layout.width) * u64::from(layout.height);
    let memory = canvas.saturating_mul(2).saturating_add(layout.largest_tile.saturating_mul(TILE_BYTES));
    Ok(Header { format: Format::Heic, width, height, memory, hash_memory: memory })
}

pub(super) fn decode(bytes: &[u8]) -> Result<Picture, Cause> {
    let layout = Layout::read(bytes)?;
    let mut canvas = vec![0; layout.width as usize * layout.height as usize];
    let mut tile_size = None;
    for (i, &tile) in layout.tiles.iter().enumerate() {
        let frame = layout.tile(tile)?;
        // ISO/IEC 23008-12, 6.6.2.3: all tiles of a grid have one size, and they cover it.
        let (width, height) = *tile_size.get_or_insert((frame.width, frame.height));
        let (across, down) = (i % layout.tiles_across, i / layout.tiles_across);
        let covers =
            (width as usize).checked_mul(layout.tiles_across).is_some_and(|all| all >= layout.width as usize)
                && (height as usize)
                    .checked_mul(layout.tiles.len() / layout.tiles_across)
                    .is_some_and(|all| all >= layout.height as usize);
        if (width, height) != (frame.width, frame.height) || !covers {
            return Err(damaged("its tiles do not fit its grid"));
        }
        layout.place(&frame, across * width as usize, down * height as usize, &mut canvas);
    }
    let image =
        Image { data: canvas, width: layout.width, height: layout.height, layout: PixelLayout::Gray8 };
    let image = apply_all(image, &layout.transforms()).map_err(cause)?;
    Picture::new(image.width, image.height, Pixels::Grey(image.data))
        .ok_or_else(|| damaged("pixels are missing"))
}

impl<'a> Layout<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Cause> {
        let context = Context::open(bytes).map_err(cause)?;
        let primary = context.meta.primary;
        let props = context.props(primary).map_err(cause)?;
        let (width, height, tiles_across, tiles) = match context.grid(primary).map_err(cause)? {
            Some((grid, tiles)) => (grid.output_width, grid.output_height, grid.columns as usize, tiles),
            None => {
                let (width, height) = context.coded_size(primary, &props).map_err(cause)?;
                (width, height, 1, vec![primary])
            }
        };
        if width == 0 || height == 0 || tiles_across == 0 || tiles.len() % tiles_across != 0 {
            return Err(damaged("its grid is empty"));
        }
        let mut layout = Self { context, props, width, height, tiles_across, tiles, largest_tile: 0 };
        layout.check_tiles()?;
        Ok(layout)
    }

    /// Tiles may overlap the edge of the picture by less than one of them each way; more coded
    /// pixels than that is a bomb.
    fn check_tiles(&mut self) -> Result<(), Cause> {
        let mut all = 0;
        for &tile in &self.tiles {
            let pixels = coded_pixels(&self.context.props(tile).map_err(cause)?)?;
            self.largest_tile = self.largest_tile.max(pixels);
            all += pixels;
        }
        let down = self.tiles.len() / self.tiles_across;
        // Rows and columns of tiles cover the picture when all but the last lie within it. Coded
        // sizes are rounded up to blocks of at most 64.
        let bound = |length: u32, tiles: usize| {
            let inside = u64::from(length).max(64);
            if tiles > 1 { inside * 2 + 64 } else { inside + 64 }
        };
        if all > bound(self.width, self.tiles_across).saturating_mul(bound(self.height, down)) {
            return Err(damaged("it codes more pixels than it has"));
        }
        Ok(())
    }

    /// The transforms, with the mirroring of ISO/IEC 23008-12:2022, 6.5.12: axis 0 exchanges top
    /// and bottom, 1 left and right, as libheif has it. heic-rs has it the other way round.
    fn transforms(&self) -> Vec<Transform> {
        let exchanged = |transform: &Transform| match *transform {
            Transform::Mirror(Mirror::LeftRight) => Transform::Mirror(Mirror::TopBottom),
            Transform::Mirror(Mirror::TopBottom) => Transform::Mirror(Mirror::LeftRight),
            other => other,
        };
        self.props.transforms.iter().map(exchanged).collect()
    }

    fn tile(&self, item: u32) -> Result<Frame, Cause> {
        let props = self.context.props(item).map_err(cause)?;
        let config = props.hvcc.as_ref().ok_or_else(|| damaged("a tile has no parameter sets"))?;
        let data = self.context.item_data(item).map_err(cause)?;
        let units = config.split_nals(&data).map_err(cause)?;
        let frame = hevc::decode_still(&config.parameter_sets(), &units).map_err(cause)?;
        frame.validate().map_err(cause)?;
        Ok(frame)
    }

    /// Copies the luma of `frame` to its place, as 8 bits, as far as it lies on the canvas.
    fn place(&self, frame: &Frame, left: usize, top: usize, canvas: &mut [u8]) {
        let limited = self.props.nclx.is_some_and(|nclx| nclx.range == Range::Limited);
        let shift = frame.bit_depth.saturating_sub(8);
        let eight_bits = |sample: &u16| {
            let value = (i32::from(*sample) >> shift).min(255);
            // H.273: limited range puts black at 16 and white at 235.
            if limited { ((value - 16) * 255 / 219).clamp(0, 255) as u8 } else { value as u8 }
        };
        let width = self.width as usize;
        let rows = frame.y.chunks(frame.y_stride.max(1) as usize).take(frame.height as usize);
        for (row, line) in rows.zip(canvas.chunks_mut(width).skip(top)) {
            let line = line.get_mut(left..).unwrap_or_default();
            for (out, sample) in line.iter_mut().zip(&row[..row.len().min(frame.width as usize)]) {
                *out = eight_bits(sample);
            }
        }
    }
}

/// Pixels of the largest picture that the sequence parameter sets of an item describe.
fn coded_pixels(props: &ItemProps<'_>) -> Result<u64, Cause> {
    let config = props.hvcc.as_ref().ok_or_else(|| damaged("a tile has no parameter sets"))?;
    let mut largest = 0;
    for unit in config.parameter_sets() {
        if unit.first().is_some_and(|first| first >> 1 & 63 == NAL_SPS) {
            let info = hevc::probe(&[unit]).map_err(cause)?;
            if matches!(info.chroma, ChromaFormat::Yuv422 | ChromaFormat::Yuv444) {
                // heic-rs 0.1.4 loses its place in every one that x265 makes and calls it damaged.
                let reason = format!("its colours are sampled as {:?}, not 4:2:0", info.chroma);
                return Err(Cause::Unsupported { format: Format::Heic, reason });
            }
            largest = largest.max(u64::from(info.width) * u64::from(info.height));
        }
    }
    Ok(largest)
}

fn damaged(reason: &str) -> Cause {
    Cause::Damaged { format: Format::Heic, reason: reason.to_owned() }
}

fn cause(error: Error) -> Cause {
    match error {
        Error::Truncated(_) => Cause::Truncated { format: Format::Heic },
        Error::Unsupported(what) => Cause::Unsupported { format: Format::Heic, reason: what.to_owned() },
        error => damaged(&error.to_string()),
    }
}
