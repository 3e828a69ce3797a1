//! Roots that can be walked without counting anything twice.

use std::fs;
use std::path::PathBuf;

use crate::error::Error;

/// Checks roots before a walk: each exists, and none is or lies inside another, links resolved.
///
/// One lookup a root; contents are not read. What other names lead to the same place, such as
/// bind mounts, is not found out.
///
/// # Errors
/// [`Error::Root`], [`Error::RootTwice`] or [`Error::RootInside`].
pub fn check_roots(roots: &[PathBuf]) -> Result<(), Error> {
    let mut resolved = Vec::with_capacity(roots.len());
    for path in roots {
        match fs::canonicalize(path) {
            Ok(real) => resolved.push((real, path)),
            Err(source) => return Err(Error::Root { path: path.clone(), source }),
        }
    }
    // Paths are ordered by component: what lies inside a folder comes right after it.
    resolved.sort();
    for pair in resolved.windows(2) {
        let [(outer_real, outer), (inner_real, inner)] = pair else { continue };
        if inner_real == outer_real {
            return Err(Error::RootTwice { first: outer.to_path_buf(), second: inner.to_path_buf() });
        }
        if inner_real.starts_with(outer_real) {
            return Err(Error::RootInside { inner: inner.to_path_buf(), outer: outer.to_path_buf() });
        }
    }
    Ok(())
}
