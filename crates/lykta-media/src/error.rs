//! Why a picture was not decoded.

use std::fmt;

use crate::picture::Dimensions;
use crate::sniff::Format;

/// Why bytes did not become a picture. `Display` is one sentence without a final stop.
#[derive(Debug)]
pub struct Error(Cause);

/// What sort of failure an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not begin like any known picture format.
    NotAPicture,
    /// A picture format, or a variant of one, that this build does not decode: it was not examined.
    Unsupported,
    /// The picture is cut short or damaged.
    Damaged,
    /// The picture has more pixels, more scans (JPEG), or needs more memory, than the limits allow:
    /// not examined.
    OverLimit,
    /// A decoder failed in a way that is its own fault.
    DecoderFault,
}

#[derive(Debug)]
pub(crate) enum Cause {
    NotAPicture,
    Undecoded { format: Format },
    Unsupported { format: Format, reason: String },
    Damaged { format: Format, reason: String },
    Truncated { format: Format },
    Pixels { dimensions: Dimensions, limit: u64 },
    Memory { needed: u64, limit: u64 },
    TooLarge { format: Format, reason: String },
    Panicked { format: Format },
}

impl Error {
    /// The sort of failure.
    pub const fn kind(&self) -> ErrorKind {
        match self.0 {
            Cause::NotAPicture => ErrorKind::NotAPicture,
            Cause::Undecoded { .. } | Cause::Unsupported { .. } => ErrorKind::Unsupported,
            Cause::Damaged { .. } | Cause::Truncated { .. } => ErrorKind::Damaged,
            Cause::Pixels { .. } | Cause::Memory { .. } | Cause::TooLarge { .. } => ErrorKind::OverLimit,
            Cause::Panicked { .. } => ErrorKind::DecoderFault,
        }
    }

    /// The format that the bytes were taken for, where that was known.
    pub const fn format(&self) -> Option<Format> {
        match self.0 {
            Cause::Undecoded { format }
            | Cause::Unsupported { format, .. }
            | Cause::Damaged { format, .. }
            | Cause::Truncated { format }
            | Cause::TooLarge { format, .. }
            | Cause::Panicked { format } => Some(format),
            Cause::NotAPicture | Cause::Pixels { .. } | Cause::Memory { .. } => None,
        }
    }
}

impl Error {
    /// How many bytes of memory the picture needs, where it was refused because the limit is below
    /// that.
    pub const fn memory_needed(&self) -> Option<u64> {
        match self.0 {
            Cause::Memory { needed, .. } => Some(needed),
            _ => None,
        }
    }

    pub(crate) fn into_cause(self) -> Cause {
        self.0
    }
}

impl From<Cause> for Error {
    fn from(cause: Cause) -> Self {
        Self(cause)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Cause::NotAPicture => write!(f, "the bytes do not begin like a picture of a known format"),
            Cause::Undecoded { format } => {
                write!(f, "not examined: {} is not decoded by this build", format.name())
            }
            Cause::Unsupported { format, reason } => {
                write!(f, "not examined: this variant of {} is not decoded: {reason}", format.name())
            }
            Cause::Damaged { format, reason } => write!(f, "damaged {}: {reason}", format.name()),
            Cause::Truncated { format } => {
                write!(f, "damaged {}: the file ends before the picture does", format.name())
            }
            Cause::Pixels { dimensions: Dimensions { width, height }, limit } => write!(
                f,
                "not examined: {width} x {height} is {} pixels and the limit is {limit}",
                Dimensions { width: *width, height: *height }.pixels()
            ),
            Cause::Memory { needed, limit } => {
                write!(f, "not examined: decoding needs {needed} bytes of memory and the limit is {limit}")
            }
            Cause::TooLarge { format, reason } => {
                write!(f, "not examined: {} larger than its decoder allows: {reason}", format.name())
            }
            Cause::Panicked { format } => {
                write!(
                    f,
                    "the decoder of {} panicked: its fault, please report the file's kind",
                    format.name()
                )
            }
        }
    }
}

impl std::error::Error for Error {}
