//! From files to what is grouped of them: hashed by all threads, kept in the order of the walk.

use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lykta::hash::{Digests, KindSet};
use lykta::media::Limits;
use lykta::media::pdq::Mode;
use lykta::scan::{
    FamilyItems, FileHasher, GivenUp, PictureResult, Pictured, picture_faces, pictured, pictured_whole,
};
use lykta::source::{FileItem, Item, ItemKind, WalkOptions, check_roots, walk};
use lykta::{Digest, Kind};

use super::{About, Apart, Gathered};
use crate::args::ClusterArgs;
use crate::in_order::{Take, make_in_order};
use crate::progress::Activity;
use crate::say::note;

/// Pictures that wait for one before them.
const MOST_WAITING: usize = 4096;

/// The pictures in files, hashed.
pub(crate) struct Pictures {
    items: FamilyItems,
    files: Vec<Picture>,
    errors: Vec<(String, String)>,
    not_pictures: u64,
    skipped: u64,
}

/// A file with a picture. It is called by its path.
struct Picture {
    path: String,
    size: u64,
    digests: Digests,
    /// Scans of a JPEG that were not read, those of colour alone.
    unread_scans: usize,
}

/// What became of a walk's item.
enum Outcome {
    Picture(Picture, Box<Pictured>),
    NotPicture,
    Skipped(String, String),
    Failed(String, String),
    /// It was stopped before that was known.
    Stopped,
}

impl Pictures {
    /// Hashes all files; `None` when it was stopped.
    pub(crate) fn hash(
        args: &ClusterArgs,
        jobs: NonZeroUsize,
        stop: &AtomicBool,
    ) -> anyhow::Result<Option<Self>> {
        check_roots(&args.paths)?;
        let listed: Vec<Item> = walk(&args.paths, &WalkOptions::default()).collect();
        let bytes = |item: &Item| if let ItemKind::File(file) = &item.kind { file.size() } else { 0 };
        let activity = Activity::of(args.quiet, Some(listed.iter().map(bytes).sum()));
        let kinds = KindSet::EMPTY.with(Kind::Sha1).with(Kind::Sha256);
        let hasher = FileHasher::new(kinds, args.memory, jobs, Limits::default());
        let hasher =
            hasher.with_pictures(if args.views.is_some() { pictured } else { pictured_whole }, Mode::Full);
        let one = |item: Item| look_at(item, &hasher, &activity, stop);
        let pictures = Collected { pictures: Self::new(), activity: &activity };
        let pictures = make_in_order(listed.into_iter(), one, pictures, MOST_WAITING, jobs, stop)?.pictures;
        Ok((!stop.load(Relaxed)).then_some(pictures))
    }

    fn new() -> Self {
        let items = FamilyItems::default();
        Self { items, files: Vec::new(), errors: Vec::new(), not_pictures: 0, skipped: 0 }
    }
}

impl Gathered for Pictures {
    fn items(&self) -> &FamilyItems {
        &self.items
    }

    fn about(&self, item: usize) -> About<'_> {
        let Picture { path, size, digests, .. } = &self.files[item];
        let (sha1, sha256) = (digests.get(Kind::Sha1), digests.get(Kind::Sha256));
        About { id: path, list: None, size: Some(*size), sha1, sha256 }
    }

    fn apart(&self) -> Apart<'_> {
        let Self { errors, not_pictures, skipped, .. } = self;
        let not_all_read = self.files.iter().filter(|file| file.unread_scans > 0).count() as u64;
        Apart { errors, not_pictures: *not_pictures, skipped: *skipped, not_all_read, ..Apart::default() }
    }
}

struct Collected<'a> {
    pictures: Pictures,
    activity: &'a Activity,
}

impl Take for Collected<'_> {
    type Piece = Outcome;

    fn take(&mut self, outcome: Outcome) -> anyhow::Result<()> {
        let pictures = &mut self.pictures;
        match outcome {
            Outcome::Picture(picture, views) => {
                let sha256 = picture.digests.get(Kind::Sha256);
                let sha256 = sha256.and_then(|digest| match digest {
                    Digest::Sha256(bytes) => Some(bytes),
                    _ => None,
                });
                pictures.items.push(picture_faces(&views), sha256);
                pictures.files.push(picture);
            }
            Outcome::NotPicture => pictures.not_pictures += 1,
            Outcome::Skipped(path, reason) => {
                note(format_args!("{path}: {reason}"));
                pictures.skipped += 1;
            }
            Outcome::Failed(path, detail) => pictures.errors.push((path, detail)),
            Outcome::Stopped => {}
        }
        Ok(())
    }

    fn pause(&mut self) -> anyhow::Result<()> {
        let Pictures { files, errors, .. } = &self.pictures;
        self.activity.say(format!("{} pictures, {} errors", files.len(), errors.len()));
        Ok(())
    }
}

fn look_at(item: Item, hasher: &FileHasher<Pictured>, activity: &Activity, stop: &AtomicBool) -> Outcome {
    let path = item.locator.steps().collect::<Vec<_>>().join("!");
    let file = match item.kind {
        ItemKind::File(file) => file,
        ItemKind::Skipped { reason, .. } => return Outcome::Skipped(path, reason.to_string()),
        ItemKind::Failed(error) => return Outcome::Failed(path, error.to_string()),
    };
    // A panic, of which the hook has told, is the failure of one file.
    let looked = catch_unwind(AssertUnwindSafe(|| hash_file(&path, &file, hasher, activity, stop)));
    match looked {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(GivenUp::Skipped(..))) => Outcome::Stopped,
        Ok(Err(GivenUp::Failed(_, detail))) => Outcome::Failed(path, detail),
        Err(_) => Outcome::Failed(path, "internal error while it was hashed; please report it".to_owned()),
    }
}

fn hash_file(
    path: &str,
    file: &FileItem,
    hasher: &FileHasher<Pictured>,
    activity: &Activity,
    stop: &AtomicBool,
) -> Result<Outcome, GivenUp> {
    let mut open = file.open()?;
    let size = open.size();
    let hashes = hasher.hash(&mut open, &|bytes| activity.add_bytes(bytes), stop)?;
    let digests = hashes.digests;
    let picture = hashes.picture;
    open.finish()?;
    let path = path.to_owned();
    Ok(match picture {
        PictureResult::Hashed(hashed) => {
            let unread_scans = hashed.unread_scans;
            Outcome::Picture(Picture { path, size, digests, unread_scans }, Box::new(hashed.hash))
        }
        PictureResult::Failed(_, detail) => Outcome::Failed(path, detail),
        PictureResult::NotOne | PictureResult::NotWanted => Outcome::NotPicture,
    })
}
