//! Where bytes come from: every file beneath some folders, each with a name that loses nothing.
//!
//! Three types to know: [`Walk`] (iterates over what lies beneath the given roots), [`Item`] (one
//! object that was seen: a file to read, or the reason why it is not read) and [`OpenFile`] (a file
//! being read, which tells at the end whether it changed meanwhile). Nothing that is seen is left
//! out, nothing is ever written, and links and special files are not opened.
//!
//! What is listed may be changed by others at any time, and by somebody hostile. So a file is
//! compared, once open, with what was listed, and once read, with what was opened.
//!
//! ```
//! use std::io::Read;
//! use lykta_source::{ItemKind, WalkOptions, check_roots, walk};
//!
//! let roots = ["src".into()];
//! check_roots(&roots)?;
//! for item in walk(&roots, &WalkOptions::default()) {
//!     match item.kind {
//!         ItemKind::File(file) => {
//!             let mut file = file.open()?;
//!             let mut bytes = Vec::new();
//!             file.read_to_end(&mut bytes)?;
//!             file.finish()?;
//!             println!("{}: {} bytes", item.locator, bytes.len());
//!         }
//!         ItemKind::Skipped { reason, .. } => println!("{}: {reason}", item.locator),
//!         ItemKind::Failed(error) => println!("{}: {error}", item.locator),
//!     }
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]

pub mod container;
mod error;
mod file;
#[doc(hidden)]
pub mod fuzz;
mod locator;
mod os;
mod roots;
mod walk;

pub use error::{Change, Error};
pub use file::{FileItem, HandedOver, OpenFile, ReadAnywhere};
pub use locator::{Locator, escape, unescape, visible};
pub use roots::check_roots;
pub use walk::{Item, ItemKind, Skip, Special, Walk, WalkOptions, walk};
