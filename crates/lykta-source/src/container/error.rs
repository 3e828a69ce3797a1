//! Why a container, or a member of one, could not be read.

use std::io;

use thiserror::Error;

use super::Limits;

/// What went wrong in a container.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ContainerError {
    /// Its bytes are not what they should be.
    #[error("is damaged: {0}")]
    Damaged(String),
    /// It ends too early.
    #[error("is cut short")]
    CutShort,
    /// It is encrypted as a whole, names included.
    #[error("is encrypted")]
    Encrypted,
    /// It uses something that is not supported.
    #[error("cannot be read: {0} is not supported")]
    Unsupported(String),
    /// A budget is used up.
    #[error("{0}")]
    Exceeded(Exceeded),
    /// What it lies in cannot be read.
    #[error("cannot be read: {0}; check the disk")]
    Read(#[source] io::Error),
}

/// A budget that a container used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Exceeded {
    /// Containers inside one another.
    #[error("lies more than {0} containers deep{rise}", rise = rise(*.0))]
    Nesting(u32),
    /// Members of one container.
    #[error("holds more than {0} members; raise that with --max-members")]
    Members(u64),
    /// Bytes of one container.
    #[error("gives more than {0} bytes; raise that with --max-container-bytes")]
    Bytes(u64),
    /// Bytes that come out of a container for each that it has.
    #[error("gives more than {0} bytes for each of its own; raise that with --max-ratio")]
    Ratio(u64),
    /// The same of all that lies beneath one file.
    #[error(
        "gives, with all that lies in it, more than {0} bytes for each of its own; raise that with --max-ratio"
    )]
    TotalRatio(u64),
    /// Bytes that have to be held in memory to look into it.
    #[error(
        "takes {needed} bytes of memory to look into, and {most} are allowed; raise that with --container-memory"
    )]
    Memory {
        /// What it takes, at least.
        needed: u64,
        /// What there is.
        most: u64,
    },
}

/// How to have more containers inside one another, if there can be more.
const fn rise(nesting: u32) -> &'static str {
    if nesting < Limits::MOST_NESTING {
        "; raise that with --max-nesting"
    } else {
        ", which is the most there can be"
    }
}

impl ContainerError {
    /// A short name to count under, which stays as it is.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Damaged(_) => "container is damaged",
            Self::CutShort => "container is cut short",
            Self::Encrypted => "encrypted",
            Self::Unsupported(_) => "container is not supported",
            Self::Exceeded(_) => "container is over the limits",
            Self::Read(_) => "not read",
        }
    }
}

impl From<Exceeded> for ContainerError {
    fn from(exceeded: Exceeded) -> Self {
        Self::Exceeded(exceeded)
    }
}

/// The [`ContainerError`] that an error of a stream carries, or what its kind says.
impl From<io::Error> for ContainerError {
    fn from(error: io::Error) -> Self {
        let error = match error.downcast::<Self>() {
            Ok(carried) => return carried,
            Err(error) => error,
        };
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::CutShort,
            io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::Other => {
                Self::Damaged(error.to_string())
            }
            _ => Self::Read(error),
        }
    }
}

impl From<ContainerError> for io::Error {
    fn from(error: ContainerError) -> Self {
        let kind = match error {
            ContainerError::CutShort => io::ErrorKind::UnexpectedEof,
            ContainerError::Damaged(_) => io::ErrorKind::InvalidData,
            _ => io::ErrorKind::Other,
        };
        Self::new(kind, error)
    }
}
