//! Bytes to perceptual hashes: which picture format this is, its pixels within limits, its PDQ;
//! and digests of any bytes.
//!
//! Three types to know: [`Picture`] (decoded pixels, grey or RGB, 8 bits), [`pdq::PdqHash`] (its
//! hash and quality) and [`Limits`] (what a file from elsewhere may cost). [`probe`] reads only
//! headers and says how much memory [`decode`] will want; neither panics on any input.
//!
//! ```
//! use lykta_media::{Limits, decode, pdq, probe, sniff};
//!
//! // A binary PGM: 8 columns, 8 rows, then one byte a pixel.
//! let mut file = b"P5 8 8 255\n".to_vec();
//! file.extend((0..64).map(|i| if i % 8 < 4 { 20 } else { 200 }));
//!
//! assert_eq!(sniff(&file).map(|format| format.name()), Some("PNM"));
//! assert_eq!(probe(&file)?.width, 8);
//! let picture = decode(&file, &Limits::default())?;
//! let hash = pdq::hash(&picture, pdq::Mode::Full);
//! assert!(hash.quality <= 100);
//! # Ok::<(), lykta_media::Error>(())
//! ```
//!
//! Which formats are decoded, and which only recognised, is in [`Format::is_decoded`].
#![deny(unsafe_code)]

mod decode;
mod digest;
mod error;
#[doc(hidden)]
pub mod fuzz;
mod jpeg;
pub mod pdq;
mod picture;
mod sniff;
mod vector;

pub use decode::{Header, Limits, decode, probe};
pub use digest::Digester;
pub use error::{Error, ErrorKind};
pub use picture::{Dimensions, Picture, Pixels, Rectangle};
pub use sniff::{Format, SNIFF_LEN, sniff};
