//! Decoded pixels.

use crate::decode::Sink;
use crate::sniff::Format;

/// Width and height, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dimensions {
    /// Columns.
    pub width: u32,
    /// Rows.
    pub height: u32,
}

impl Dimensions {
    /// Width times height; cannot overflow.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

/// A part of a picture, in its pixels as they are stored: at least one, all of them within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rectangle {
    /// Columns left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its columns.
    pub width: u32,
    /// Its rows.
    pub height: u32,
}

impl Rectangle {
    /// All of a picture of that size.
    pub const fn whole(Dimensions { width, height }: Dimensions) -> Self {
        Self { left: 0, top: 0, width, height }
    }

    /// Its size.
    pub const fn dimensions(self) -> Dimensions {
        Dimensions { width: self.width, height: self.height }
    }
}

/// Samples a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channels {
    /// Grey, or the stored luma of a JPEG.
    Grey,
    /// Red, green, blue.
    Rgb,
}

impl Channels {
    pub(crate) const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// The samples of a [`Picture`], row by row from the top, each row from the left, no padding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pixels {
    /// One byte a pixel: grey, or the stored luma of a JPEG.
    Grey(Vec<u8>),
    /// Three bytes a pixel: red, green, blue.
    Rgb(Vec<u8>),
}

impl Pixels {
    /// Bytes a pixel: 1 or 3.
    pub const fn channels(&self) -> usize {
        self.kind().count()
    }

    pub(crate) const fn kind(&self) -> Channels {
        match self {
            Self::Grey(_) => Channels::Grey,
            Self::Rgb(_) => Channels::Rgb,
        }
    }

    /// All samples.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Grey(bytes) | Self::Rgb(bytes) => bytes,
        }
    }
}

/// A decoded picture: at least one pixel, 8 bits a sample, as stored (EXIF orientation and colour
/// profiles are not applied, alpha is dropped and not composited).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    dimensions: Dimensions,
    format: Option<Format>,
    pixels: Pixels,
}

impl Picture {
    /// A picture of `pixels`; none unless there are exactly `width * height` of them and at least
    /// one.
    pub fn new(width: u32, height: u32, pixels: Pixels) -> Option<Self> {
        let dimensions = Dimensions { width, height };
        let samples = usize::try_from(dimensions.pixels()).ok()?.checked_mul(pixels.channels())?;
        (samples != 0 && samples == pixels.bytes().len()).then_some(Self { dimensions, format: None, pixels })
    }

    pub(crate) fn with_format(self, format: Format) -> Self {
        Self { format: Some(format), ..self }
    }

    /// Gives all rows to what `start` makes.
    pub(crate) fn read_rows<S: Sink>(&self, start: impl Fn(Dimensions, Channels) -> S) -> S {
        let mut sink = start(self.dimensions, self.pixels.kind());
        sink.push(self.pixels.bytes());
        sink
    }

    /// Columns, at least 1.
    pub const fn width(&self) -> u32 {
        self.dimensions.width
    }

    /// Rows, at least 1.
    pub const fn height(&self) -> u32 {
        self.dimensions.height
    }

    /// Width and height.
    pub const fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// What it was decoded from; none for one made with [`Picture::new`].
    pub const fn format(&self) -> Option<Format> {
        self.format
    }

    /// The samples.
    pub const fn pixels(&self) -> &Pixels {
        &self.pixels
    }
}
