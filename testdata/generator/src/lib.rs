//! Makes what is under testdata/: nothing there is taken from elsewhere.
//!
//! Three things to know: [`landscape`] makes a picture, [`write_all`] writes every file, [`desk`] makes a dump with
//! pictures in every kind of container and says where each is.
//!
//! ```
//! let picture = lykta_testdata::landscape(1, 64, 48);
//! assert_eq!(picture.dimensions(), (64, 48));
//! ```
#![forbid(unsafe_code)]

mod bombs;
mod desk;
mod files;
mod landscape;

pub use bombs::{Bomb, bombs};
pub use desk::{Desk, DeskFile, Planted, desk, list_of_others};
pub use files::write_all;
pub use landscape::landscape;
