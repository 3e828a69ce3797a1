//! Hashes as values: what a list holds, what a file has, how far apart two perceptual hashes are.
//!
//! Three types to know: [`Digest`] (MD5, SHA-1, SHA-256 or BLAKE3 of all bytes of a file),
//! [`Pdq`] (256 bits that describe what a picture looks like) and [`Hash`](enum@Hash) (either, with its kind).
//! [`Bits64`] and [`PhotoDna`] are for perceptual hashes that lists bring and Lykta does not compute. No I/O.
//!
//! ```
//! use lykta_hash::{Hash, Pdq};
//!
//! let a: Hash = "md5:D41D8CD98F00B204E9800998ECF8427E".parse()?;
//! assert_eq!(a.to_string(), "md5:d41d8cd98f00b204e9800998ecf8427e");
//!
//! let left = Pdq::from_hex(&"0".repeat(64))?;
//! let right = Pdq::from_hex(&format!("{}f", "0".repeat(63)))?;
//! assert_eq!(left.distance(&right), 4);
//! # Ok::<(), lykta_hash::ParseError>(())
//! ```
#![forbid(unsafe_code)]

mod bits64;
mod digest;
#[doc(hidden)]
pub mod fuzz;
mod hash;
mod kind;
mod pdq;
mod photodna;
pub mod text;

pub use bits64::Bits64;
pub use digest::{Digest, Digests};
pub use hash::Hash;
pub use kind::{Kind, KindSet};
pub use pdq::Pdq;
pub use photodna::PhotoDna;
pub use text::ParseError;
