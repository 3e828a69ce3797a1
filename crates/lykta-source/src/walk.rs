//! Walking folders: everything that is seen becomes an item.
//!
//! Folders are walked by `walkdir`, which is never told to follow a link: it would open what a
//! link leads to before anybody could ask where that is. Instead
//!
//! ```text
//! a link is met:
//!     not following, or it leads out of the roots:  an item of its own, with the target
//!     it leads to a file:                           that file, under the name of the link
//!     it leads to a folder:                         a walk of that folder on top of this one,
//!                                                   under the name of the link
//! ```
//!
//! A folder is entered beneath links once at most; with a greatest depth once more where it is met
//! less deep than before, since more of what is in it may be seen there. Without that rule some
//! dozen folders with links to each other have more paths than can be walked in a lifetime.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fmt;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

use crate::error::Error;
use crate::file::FileItem;
use crate::locator::{Locator, escape, write_visible};
use crate::os::{self, FileId};

/// One object that a walk has seen.
#[derive(Debug)]
pub struct Item {
    /// Where it was seen: the root as given and the names below it.
    pub locator: Locator,
    /// What it is.
    pub kind: ItemKind,
}

/// What an item is: something to read, or why it is not read. Folders that could be listed are no
/// items.
#[derive(Debug)]
pub enum ItemKind {
    /// A regular file.
    File(FileItem),
    /// Left out on purpose.
    Skipped {
        /// Why.
        reason: Skip,
        /// Bytes of contents that were left out: those of a file that a link leads to, else 0.
        size: u64,
    },
    /// Could not be examined, or not completely.
    Failed(Error),
}

/// Why an item was left out. Targets are the bytes that the link holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Skip {
    /// A link, and links are not followed.
    Link {
        /// What the link holds.
        target: Vec<u8>,
    },
    /// A link to a place outside the roots.
    OutOfScope {
        /// What the link holds.
        target: Vec<u8>,
    },
    /// A link to nothing.
    Dangling {
        /// What the link holds.
        target: Vec<u8>,
    },
    /// A link that leads back to a folder that it lies in, or to itself.
    LinkLoop {
        /// What the link holds.
        target: Vec<u8>,
    },
    /// A folder beneath a link that was walked beneath an earlier link already.
    AlreadyWalked,
    /// No regular file, folder or link.
    Special(Special),
    /// A folder at the greatest depth, so that what is in it was not seen.
    TooDeep {
        /// The greatest depth.
        max: usize,
    },
}

impl Skip {
    /// A short name to count skipped items under, which stays as it is.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Link { .. } => "link not followed",
            Self::OutOfScope { .. } => "out of scope",
            Self::Dangling { .. } => "link to nothing",
            Self::LinkLoop { .. } => "link loop",
            Self::AlreadyWalked => "walked under another name",
            Self::Special(_) => "special file",
            Self::TooDeep { .. } => "too deep",
        }
    }
}

impl fmt::Display for Skip {
    /// The name, then the facts: `link not followed: leads to ../a`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        match self {
            Self::Link { target }
            | Self::OutOfScope { target }
            | Self::Dangling { target }
            | Self::LinkLoop { target } => {
                f.write_str(": leads to ")?;
                write_visible(f, &escape(target))
            }
            Self::AlreadyWalked => Ok(()),
            Self::Special(special) => write!(f, ": {}", special.name()),
            Self::TooDeep { max } => write!(f, ": folders deeper than {max} are not entered"),
        }
    }
}

/// A kind of special file. They are never opened: reading may wait for ever, or do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Special {
    /// A named pipe.
    Fifo,
    /// A socket.
    Socket,
    /// A block device, such as a disk.
    BlockDevice,
    /// A character device, such as a terminal.
    CharDevice,
    /// Anything else.
    Other,
}

impl Special {
    /// What it is, with its article.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fifo => "a named pipe",
            Self::Socket => "a socket",
            Self::BlockDevice => "a block device",
            Self::CharDevice => "a character device",
            Self::Other => "an object of unknown kind",
        }
    }
}

/// What to walk.
#[derive(Clone, Debug, Default)]
pub struct WalkOptions {
    /// Follow links to places inside the roots. What links lead to is then seen again under the
    /// name of the link; no folder more than once, unless `max_depth` may have cut it short.
    pub follow_links: bool,
    /// Greatest depth of items; a root has depth 0, what lies in it depth 1. Without, no bound.
    pub max_depth: Option<usize>,
}

/// Walks roots one after another, in the order given, and each in order of names, as bytes.
///
/// A root that is a link is followed whatever the options say, for somebody named it. Roots should
/// have passed [`check_roots`](crate::check_roots); one that vanished is an item that failed.
///
/// Listing a folder may set its time of access. Memory: the names in each folder from the root to
/// the current one, some 200 bytes each, because they are sorted; when links are followed also some
/// 50 bytes for each folder beneath one.
pub fn walk(roots: &[PathBuf], options: &WalkOptions) -> Walk {
    // Resolved only for following: a root that cannot be resolved takes no link into scope.
    let scope = match options.follow_links {
        true => roots.iter().filter_map(|root| fs::canonicalize(root).ok()).collect(),
        false => HashSet::new(),
    };
    Walk {
        roots: roots.iter().cloned().collect(),
        options: options.clone(),
        scope,
        frames: Vec::new(),
        beneath_links: HashMap::new(),
    }
}

/// A walk under way. Made by [`walk()`].
#[derive(Debug)]
pub struct Walk {
    roots: VecDeque<PathBuf>,
    options: WalkOptions,
    /// The roots, links resolved.
    scope: HashSet<PathBuf>,
    /// The walk of a root, and on top of it one for each link that was entered.
    frames: Vec<Frame>,
    /// The folders that were entered beneath links, with the least depth of each.
    beneath_links: HashMap<Folder, usize>,
}

/// A walk of one folder without links.
#[derive(Debug)]
struct Frame {
    entries: walkdir::IntoIter,
    /// Where it really is.
    real: PathBuf,
    /// The name it goes by.
    shown: PathBuf,
    /// Depth of its top.
    depth: usize,
    /// The folder, links resolved, that holds the link that was entered; `None` for a root.
    entered_from: Option<PathBuf>,
    /// The last folder that was listed: an error in the midst of a listing does not say where.
    listed: PathBuf,
}

/// A folder whatever its name.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Folder {
    Id(FileId),
    Path(PathBuf),
}

impl Frame {
    fn new(
        real: PathBuf,
        shown: PathBuf,
        depth: usize,
        options: &WalkOptions,
        entered_from: Option<PathBuf>,
    ) -> Self {
        let mut walk = WalkDir::new(&real).follow_links(false).follow_root_links(false).sort_by_file_name();
        if let Some(max) = options.max_depth {
            walk = walk.max_depth(max.saturating_sub(depth));
        }
        let listed = real.clone();
        Self { entries: walk.into_iter(), real, shown, depth, entered_from, listed }
    }

    /// The name that `real`, a path at or below this frame's top, goes by.
    fn shown(&self, real: &Path) -> PathBuf {
        match real.strip_prefix(&self.real) {
            Ok(below) if below.as_os_str().is_empty() => self.shown.clone(),
            Ok(below) => self.shown.join(below),
            Err(_) => real.to_path_buf(),
        }
    }
}

impl Iterator for Walk {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            let Some(frame) = self.frames.last_mut() else {
                let root = self.roots.pop_front()?;
                if let Err(error) = self.enter_root(&root) {
                    return Some(item(&root, ItemKind::Failed(error)));
                }
                continue;
            };
            match frame.entries.next() {
                None => {
                    self.frames.pop();
                }
                Some(Err(error)) => {
                    let at = error.path().unwrap_or(&frame.listed).to_path_buf();
                    let is_listing = at == frame.listed;
                    let shown = frame.shown(&at);
                    let source = error.into_io_error().unwrap_or_else(|| io::ErrorKind::Other.into());
                    let error = if is_listing { Error::List(source) } else { Error::Stat(source) };
                    return Some(item(&shown, ItemKind::Failed(error)));
                }
                Some(Ok(entry)) => {
                    let shown = frame.shown(entry.path());
                    if let Some(kind) = self.examine(&entry, &shown).transpose() {
                        return Some(item(&shown, kind.unwrap_or_else(ItemKind::Failed)));
                    }
                }
            }
        }
    }
}

impl Walk {
    fn enter_root(&mut self, root: &Path) -> Result<(), Error> {
        let is_link = fs::symlink_metadata(root).map_err(Error::Stat)?.is_symlink();
        let real = match is_link {
            true => fs::canonicalize(root).map_err(Error::Stat)?,
            false => root.to_path_buf(),
        };
        self.frames.push(Frame::new(real, root.to_path_buf(), 0, &self.options, None));
        Ok(())
    }

    /// What an entry of the topmost frame is; `None` for a folder that will be walked.
    fn examine(&mut self, entry: &DirEntry, shown: &Path) -> Result<Option<ItemKind>, Error> {
        let Some(frame) = self.frames.last_mut() else { return Ok(None) };
        let depth = frame.depth + entry.depth();
        let kind = entry.file_type();
        if kind.is_dir() {
            frame.listed = entry.path().to_path_buf();
            if let Some(max) = self.options.max_depth.filter(|max| depth >= *max) {
                return Ok(Some(skip(Skip::TooDeep { max })));
            }
            if frame.entered_from.is_some() {
                let folder = folder(entry.path(), &entry.metadata().map_err(|e| Error::Stat(e.into()))?)?;
                let before = self.beneath_links.get(&folder);
                if before.is_some_and(|before| self.options.max_depth.is_none() || depth >= *before) {
                    frame.entries.skip_current_dir();
                    return Ok(Some(skip(Skip::AlreadyWalked)));
                }
                self.beneath_links.insert(folder, depth);
            }
            return Ok(None);
        }
        if kind.is_symlink() {
            return self.link(entry.path(), shown, depth);
        }
        if kind.is_file() {
            // The kind is that of the listing; size and identity need a lookup.
            let metadata = fs::symlink_metadata(entry.path()).map_err(Error::Stat)?;
            return Ok(Some(object(entry.path(), &metadata)));
        }
        Ok(Some(skip(Skip::Special(os::special(kind)))))
    }

    fn link(&mut self, path: &Path, shown: &Path, depth: usize) -> Result<Option<ItemKind>, Error> {
        let target = fs::read_link(path).map_err(Error::ReadLink)?.into_os_string().into_encoded_bytes();
        if !self.options.follow_links {
            return Ok(Some(skip(Skip::Link { target })));
        }
        let real = match fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(Some(skip(Skip::Dangling { target })));
            }
            Err(error) if os::is_link_loop(&error) => return Ok(Some(skip(Skip::LinkLoop { target }))),
            Err(error) => return Err(Error::Stat(error)),
        };
        let metadata = fs::symlink_metadata(&real).map_err(Error::Stat)?;
        if !real.ancestors().any(|folder| self.scope.contains(folder)) {
            let size = if metadata.is_file() { metadata.len() } else { 0 };
            return Ok(Some(ItemKind::Skipped { reason: Skip::OutOfScope { target }, size }));
        }
        if !metadata.is_dir() {
            return Ok(Some(object(&real, &metadata)));
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
        let here = fs::canonicalize(parent.unwrap_or(Path::new("."))).map_err(Error::Stat)?;
        let entered_from = self.frames.iter().filter_map(|frame| frame.entered_from.as_deref());
        if entered_from.chain([here.as_path()]).any(|folder| folder.starts_with(&real)) {
            return Ok(Some(skip(Skip::LinkLoop { target })));
        }
        self.frames.push(Frame::new(real, shown.to_path_buf(), depth, &self.options, Some(here)));
        Ok(None)
    }
}

/// What was looked up at `path` and is neither a folder nor a link to follow.
fn object(path: &Path, metadata: &Metadata) -> ItemKind {
    let kind = metadata.file_type();
    match kind {
        _ if kind.is_file() => ItemKind::File(FileItem::new(path.to_path_buf(), metadata)),
        _ if kind.is_dir() => ItemKind::Failed(Error::Replaced { now: "a folder" }),
        _ if kind.is_symlink() => ItemKind::Failed(Error::Replaced { now: "a link" }),
        _ => skip(Skip::Special(os::special(kind))),
    }
}

fn folder(path: &Path, metadata: &Metadata) -> Result<Folder, Error> {
    match os::id(metadata) {
        Some(id) => Ok(Folder::Id(id)),
        None => fs::canonicalize(path).map(Folder::Path).map_err(Error::Stat),
    }
}

fn item(shown: &Path, kind: ItemKind) -> Item {
    Item { locator: Locator::from_path(shown), kind }
}

fn skip(reason: Skip) -> ItemKind {
    ItemKind::Skipped { reason, size: 0 }
}
