//! Not read yet.

use crate::error::Error;
use crate::format::Format;
use crate::formats::Rows;
use crate::input::{Head, Input};

pub(crate) fn is_meant(_: &Head<'_>) -> bool {
    false
}

pub(crate) fn open<'r>(_: Input<'r>) -> Result<Box<dyn Rows + 'r>, Error> {
    Err(Error::NotReadYet { format: Format::Ncmec })
}
