//! What is inside a file: the members of archives, crawls, mail and documents, one after another.
//!
//! ```text
//! head ---> Container::sniff
//! input --> members ---> each(Member) --read--> bytes, metered
//!                                     `-------> another container: members again, by the caller
//! ```
//!
//! Members are pushed, not pulled: solid archives can only be read front to back, and a container inside a
//! container is then nothing but a nested call. Whoever calls decides what to do with a member, so nesting, digests
//! and memory are not of this module; but no member can give more than [`Limits`] allow, since every stream
//! goes through a [`Meter`].

mod decode;
mod error;
mod inflate;
mod link;
mod mail;
mod mbox;
mod meter;
mod pdf;
mod previews;
#[cfg(feature = "rar")]
mod rar;
mod sevenz;
mod single;
mod tar;
#[cfg(test)]
mod testing;
mod unread;
mod warc;
mod zip;

use std::fmt;
use std::io::{Cursor, Read, Seek};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};

use crate::locator::escape;
pub use decode::decoder;

pub use error::{ContainerError, Exceeded};
pub use meter::{Limits, Meter};
pub use previews::{Preview, may_have_previews, previews};
#[cfg(feature = "rar")]
use rar::sniff as is_rar;

/// A kind of container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Container {
    /// One file, or several one behind the other, compressed by gzip.
    Gzip,
    /// The same by bzip2.
    Bzip2,
    /// The same by xz.
    Xz,
    /// The same by zstd.
    Zstd,
    /// Tar, of any kind.
    Tar,
    /// A crawl in the format WARC, also when compressed by gzip.
    Warc,
    /// A crawl in the older format ARC, also when compressed by gzip.
    Arc,
    /// Zip, and what is made of it: documents, programs, books.
    Zip,
    /// 7z.
    SevenZ,
    /// RAR. Without the feature `rar` it is [`Container::Unread`].
    Rar,
    /// A message, with what is attached to it.
    Mail,
    /// Messages one behind the other.
    Mbox,
    /// A document, with the pictures and files in it.
    Pdf,
    /// Recognised and not read: [`Container::unread`] has the names.
    Unread(&'static str),
}

/// How a container has to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Front to back, once.
    Stream,
    /// Anywhere: what is not a file has to be held in memory.
    Random,
    /// All of it has to be held in memory, also of a file.
    Whole,
}

/// Both of [`Read`] and [`Seek`].
pub trait ReadSeek: Read + Seek {}

impl<T: Read + Seek> ReadSeek for T {}

/// Where a container's bytes are.
pub enum Input<'i> {
    /// Front to back.
    Stream(&'i mut dyn Read),
    /// Anywhere, this many bytes.
    Random(&'i mut dyn ReadSeek, u64),
    /// In memory.
    Whole(&'i [u8]),
}

impl<'i> Input<'i> {
    /// The bytes from the first to the last.
    ///
    /// # Errors
    /// [`ContainerError::Read`].
    fn into_stream(self) -> Result<Box<dyn Read + 'i>, ContainerError> {
        Ok(match self {
            Self::Stream(stream) => Box::new(stream),
            Self::Random(file, _) => {
                file.rewind().map_err(ContainerError::Read)?;
                Box::new(file)
            }
            Self::Whole(bytes) => Box::new(bytes),
        })
    }
}

/// What a container holds at one place.
pub struct Member<'m> {
    /// The name that the container has for it, as bytes, or one made up from its place: a step of a
    /// [`Locator`](crate::Locator). Two members may have the same. Empty for what a compressed file holds, which has
    /// the name of the file, without the ending that says how it is compressed.
    pub name: Vec<u8>,
    /// Where in the container it begins, with its header if it has one, in bytes: an entry of a tar, a local header
    /// of a zip, a record of a WARC (in the file, so where the compressed record begins). None where that means
    /// nothing.
    pub offset: Option<u64>,
    /// What a crawler says of it.
    pub capture: Option<Capture>,
    /// What the container knows it to be, whatever its bytes look like: messages of an mbox are mail.
    pub known: Option<Container>,
    /// Its bytes, or why there are none.
    pub content: Content<'m>,
}

/// What there is of a member.
pub enum Content<'m> {
    /// Bytes to be read, as many as the container says, if it says. It may lie; a reader that finds out reports it as
    /// [`ContainerError::Damaged`]. What is not read is passed over.
    ///
    /// Errors while reading carry a [`ContainerError`] where one is known: [`ContainerError::from`].
    Bytes(&'m mut dyn Read, Option<u64>),
    /// Left out, for a reason that is none of the container's fault: encrypted, a link, a special file. With the size
    /// that the container states, 0 if none.
    Skipped(MemberSkip, u64),
    /// Not readable, and others may be.
    Failed(ContainerError),
}

impl Member<'_> {
    /// Nothing but what a compressed file holds: its name is made from that of the file.
    const fn unnamed() -> Self {
        let content = Content::Skipped(MemberSkip::Special, 0);
        Member { name: Vec::new(), offset: None, capture: None, known: None, content }
    }
}

/// Why a member is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberSkip {
    /// Encrypted.
    Encrypted,
    /// A symbolic or hard link, to this target.
    Link(Vec<u8>),
    /// A device, a FIFO or another thing without bytes.
    Special,
    /// A part of another file, of which the rest is elsewhere, such as a further volume.
    Elsewhere(String),
}

impl MemberSkip {
    /// A short name to count under, which stays as it is.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Encrypted => "encrypted",
            Self::Link(_) => "link not followed",
            Self::Special => "special file",
            Self::Elsewhere(_) => "content is elsewhere",
        }
    }
}

/// The particulars, for a sentence; none where the name says all.
impl fmt::Display for MemberSkip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encrypted | Self::Special => Ok(()),
            Self::Link(target) => write!(f, "link to {}", escape(target)),
            Self::Elsewhere(what) => f.write_str(what),
        }
    }
}

/// What a crawler says of what it fetched. Texts are as in the record, and are empty where it does not say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// The address that was asked for.
    pub target_uri: String,
    /// When.
    pub date: String,
    /// The address of the server.
    pub ip: String,
    /// Digest of what was fetched, as `algorithm:digits`.
    pub payload_digest: String,
    /// Identity of the record.
    pub record_id: String,
}

impl Container {
    /// Every kind that is read, in order.
    pub const ALL: [Self; 12 + cfg!(feature = "rar") as usize] = [
        Self::Gzip,
        Self::Bzip2,
        Self::Xz,
        Self::Zstd,
        Self::Tar,
        Self::Zip,
        Self::SevenZ,
        #[cfg(feature = "rar")]
        Self::Rar,
        Self::Warc,
        Self::Arc,
        Self::Mail,
        Self::Mbox,
        Self::Pdf,
    ];

    /// Bytes of a file that [`Container::sniff`] has to be given: the mark of ISO 9660 ends there.
    pub const SNIFF_LEN: usize = 0x8006;

    /// What bytes are, by the beginning of them: at least [`Container::SNIFF_LEN`] if there are as many.
    pub fn sniff(head: &[u8]) -> Option<Self> {
        let is = |container: Self, sniff: fn(&[u8]) -> bool| sniff(head).then_some(container);
        // A compressed crawl is a crawl.
        warc::sniff(head)
            .or_else(|| single::sniff(head))
            .or_else(|| is(Self::Zip, zip::sniff))
            .or_else(|| is(Self::SevenZ, sevenz::sniff))
            .or_else(|| is(Self::Rar, is_rar))
            .or_else(|| is(Self::Tar, tar::sniff))
            .or_else(|| mbox::sniff(head))
            .or_else(|| mail::sniff(head))
            .or_else(|| pdf::sniff(head))
            .or_else(|| unread::sniff(head).map(Self::Unread))
    }

    /// The names of containers that are recognised and not read.
    pub fn unread() -> impl Iterator<Item = &'static str> {
        unread::names()
    }

    /// A short name, for records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Tar => "tar",
            Self::Warc => "warc",
            Self::Arc => "arc",
            Self::Zip => "zip",
            Self::SevenZ => "7z",
            Self::Rar => "rar",
            Self::Mail => "mail",
            Self::Mbox => "mbox",
            Self::Pdf => "pdf",
            Self::Unread(name) => name,
        }
    }

    /// How it has to be read.
    pub const fn access(self) -> Access {
        match self {
            Self::Gzip | Self::Bzip2 | Self::Xz | Self::Zstd | Self::Tar => Access::Stream,
            Self::Warc | Self::Arc | Self::Mbox | Self::Unread(_) => Access::Stream,
            Self::Zip | Self::SevenZ | Self::Rar => Access::Random,
            Self::Mail => Access::Whole,
            Self::Pdf => Access::Random,
        }
    }
}

/// Hands the members of a container to `each`, in the container's order.
///
/// `each` breaks to end it, which is no error. Memory is bounded by what [`Limits`] say.
///
/// # Errors
/// [`ContainerError`]: what came before it was handed over. A member that could not be read, while others could, is
/// [`Content::Failed`] or an error of its stream.
pub fn members(
    container: Container,
    input: Input<'_>,
    meter: &Meter,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let limits = &meter.limits_here();
    meter.container(
        input,
        &mut |input, each| match container {
            Container::Gzip | Container::Bzip2 | Container::Xz | Container::Zstd => {
                single::members(container, input, limits, each)
            }
            Container::Tar => tar::members(input, each),
            Container::Warc | Container::Arc => warc::members(container, input, each),
            Container::Zip => zip::members(input, limits, each),
            Container::SevenZ => sevenz::members(input, limits, each),
            #[cfg(feature = "rar")]
            Container::Rar => rar::members(input, limits, each),
            #[cfg(not(feature = "rar"))]
            Container::Rar => Err(ContainerError::Unsupported("RAR".to_owned())),
            Container::Mail => mail::members(input, meter, each),
            Container::Mbox => mbox::members(input, each),
            Container::Pdf => pdf::members(input, meter, each),
            Container::Unread(name) => Err(ContainerError::Unsupported(name.to_owned())),
        },
        each,
    )
}

#[cfg(not(feature = "rar"))]
const fn is_rar(_: &[u8]) -> bool {
    false
}

/// Reads what has to be read anywhere.
///
/// # Errors
/// [`ContainerError::Unsupported`] if it comes front to back.
fn with_random<T>(
    input: Input<'_>,
    read: impl FnOnce(&mut dyn ReadSeek, u64) -> Result<T, ContainerError>,
) -> Result<T, ContainerError> {
    match input {
        Input::Random(file, len) => read(file, len),
        Input::Whole(bytes) => read(&mut Cursor::new(bytes), bytes.len() as u64),
        Input::Stream(_) => Err(ContainerError::Unsupported("reading it front to back".into())),
    }
}

/// All bytes of what comes front to back or lies in a file, in memory.
///
/// # Errors
/// [`Exceeded::Memory`], if that is more than the limits allow.
fn hold(stream: &mut dyn Read, limits: &Limits) -> Result<Vec<u8>, ContainerError> {
    let most = limits.memory;
    let mut held = Vec::new();
    stream.take(most.saturating_add(1)).read_to_end(&mut held)?;
    if held.len() as u64 > most {
        return Err(Exceeded::Memory { needed: held.len() as u64, most }.into());
    }
    Ok(held)
}

/// Runs a reader of a format, which may be somebody else's: a panic in it is damage, and ends no scan.
fn guarded<T>(read: impl FnOnce() -> T) -> Result<T, ContainerError> {
    panic::catch_unwind(AssertUnwindSafe(read)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        ContainerError::Damaged(format!("a reader panicked: {}", text.unwrap_or("no text")))
    })
}
