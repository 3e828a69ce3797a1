//! Where a report may go: a new or empty folder outside of everything that is scanned.

use std::fs::{self, DirBuilder};
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::error::{Cause, Error};

/// Makes the folder, with the folders above it, unless it is there and empty. Returns its path
/// with links resolved.
///
/// Nothing is written before it is known that the folder is outside of `scanned`, so that a scan
/// leaves no trace in what it scans.
/// `known` are names of files that may be there.
pub(crate) fn prepare(dir: &Path, scanned: &[PathBuf], known: &[&str]) -> Result<PathBuf, Error> {
    let found_out = "looked up";
    check_outside(dir, &resolve(dir).map_err(Error::write(dir, found_out))?, scanned)?;
    match fs::read_dir(dir) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(Error::write(dir, "listed"))?;
                if !known.iter().any(|name| entry.file_name() == *name) {
                    return Err(Cause::NotEmpty(dir.to_owned()).into());
                }
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut builder = DirBuilder::new();
            builder.recursive(true);
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(dir).map_err(Error::write(dir, "made"))?;
        }
        Err(error) => return Err(Error::write(dir, "listed")(error)),
    }
    fs::canonicalize(dir).map_err(Error::write(dir, found_out))
}

fn check_outside(dir: &Path, resolved: &Path, scanned: &[PathBuf]) -> Result<(), Error> {
    // A path that cannot be resolved does not exist, so nothing is inside it.
    let inside = |root: &&PathBuf| fs::canonicalize(root).is_ok_and(|root| resolved.starts_with(root));
    match scanned.iter().find(inside) {
        Some(root) => Err(Cause::InsideScanned { dir: dir.to_owned(), scanned: root.clone() }.into()),
        None => Ok(()),
    }
}

/// The absolute path with the links of the part that exists resolved.
fn resolve(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut resolved = PathBuf::new();
    let mut exists = true;
    for component in absolute.components() {
        match component {
            // Of what does not exist yet nothing is a link, so `..` just takes a name away. What it
            // leads back to may exist again.
            Component::ParentDir => {
                resolved.pop();
                exists = resolved.exists();
            }
            component => {
                resolved.push(component);
                if exists {
                    match fs::canonicalize(&resolved) {
                        Ok(real) => resolved = real,
                        Err(error) if error.kind() == io::ErrorKind::NotFound => exists = false,
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
    Ok(resolved)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_folder_is_private_and_an_empty_one_will_do() {
        let top = tempfile::tempdir().unwrap();
        let dir = top.path().join("a/b");
        let made = prepare(&dir, &[], &[]).unwrap();
        assert_eq!(made, fs::canonicalize(&dir).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(fs::metadata(&made).unwrap().permissions().mode() & 0o777, 0o700);
        }
        assert_eq!(prepare(&dir, &[], &[]).unwrap(), made);
    }

    #[test]
    fn a_folder_with_something_in_it_is_refused() {
        let top = tempfile::tempdir().unwrap();
        fs::write(top.path().join("x"), b"").unwrap();
        let error = prepare(top.path(), &[], &[]).unwrap_err();
        assert_eq!(error.path(), Some(top.path()));
        assert!(error.to_string().contains("is not empty"), "{error}");
    }

    #[test]
    fn a_file_is_no_folder() {
        let top = tempfile::tempdir().unwrap();
        let file = top.path().join("x");
        fs::write(&file, b"").unwrap();
        assert!(prepare(&file, &[], &[]).is_err());
    }

    #[test]
    fn a_folder_inside_what_is_scanned_is_refused_and_not_made() {
        let top = tempfile::tempdir().unwrap();
        let dump = top.path().join("dump");
        fs::create_dir(&dump).unwrap();
        let roots = [dump.clone()];
        for dir in ["dump/out", "dump", "dump/a/b", "x/../dump/out", "dump/y/../out"] {
            let error = prepare(&top.path().join(dir), &roots, &[]).unwrap_err();
            assert!(error.to_string().contains("is inside"), "{dir}: {error}");
        }
        assert_eq!(fs::read_dir(&dump).unwrap().count(), 0);
        assert_eq!(fs::read_dir(top.path()).unwrap().count(), 1);
        // A name that only begins alike is another folder.
        prepare(&top.path().join("dump2"), &roots, &[]).unwrap();
        prepare(&top.path().join("dump/../out"), &roots, &[]).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn links_do_not_hide_where_a_folder_is() {
        let top = tempfile::tempdir().unwrap();
        let dump = top.path().join("dump");
        fs::create_dir(&dump).unwrap();
        std::os::unix::fs::symlink(&dump, top.path().join("link")).unwrap();
        let direct = prepare(&top.path().join("link/out"), std::slice::from_ref(&dump), &[]);
        assert!(direct.unwrap_err().to_string().contains("is inside"));
        let scanned_by_link = prepare(&dump.join("out"), &[top.path().join("link")], &[]);
        assert!(scanned_by_link.unwrap_err().to_string().contains("is inside"));
    }
}
