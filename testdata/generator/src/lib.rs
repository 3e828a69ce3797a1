//! Makes what is under testdata/: nothing there is taken from elsewhere.
//!
//! Two things to know: [`landscape`] makes a picture, [`write_all`] writes every file.
//!
//! ```
//! let picture = lykta_testdata::landscape(1, 64, 48);
//! assert_eq!(picture.dimensions(), (64, 48));
//! ```
#![forbid(unsafe_code)]

mod files;
mod landscape;

pub use files::write_all;
pub use landscape::landscape;
