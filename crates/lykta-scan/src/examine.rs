//! One item: open, hash, match.
//!
//! ```text
//! any item:       digests ------> exact
//! a picture:      PDQ, all views -> near
//! something hit:  SHA-1 and SHA-256 too, from the bytes or a second read
//! at the end:     did the file change meanwhile?
//! ```

use lykta_index::{Index, Role};
use lykta_media::pdq::{self, Mode, Views};
use lykta_source::{FileItem, OpenFile};

use crate::hashing::{FileHasher, PictureResult};
use crate::matches::Matches;
use crate::matching::Matcher;
use crate::options::Options;
use crate::outcome::{ExactOnly, Outcome, Problem, Skip};
use crate::profile::{Part, Stopwatch};
use crate::read::{GivenUp, Watch, complete, read_again};
use crate::record::Record;
use crate::summary::NearMatching;

/// Examines items, each on its own; shared by all threads.
pub(crate) struct Examiner<'i, D> {
    pub(crate) matcher: Matcher<'i, D>,
    hasher: FileHasher<Views>,
    max_item_bytes: Option<u64>,
}

impl<'i, D: AsRef<[u8]> + Sync> Examiner<'i, D> {
    pub(crate) fn new(indexes: &'i [Index<D>], options: &Options) -> Self {
        let matcher = Matcher::new(indexes, options);
        let hasher = FileHasher::new(matcher.digest_kinds(), options.memory, options.jobs, options.limits);
        let hasher = match matcher.near_matching() {
            NearMatching::Performed { .. } if matcher.has_ends() => {
                hasher.with_pictures(pdq::views_and_ends_of_file, Mode::Full)
            }
            NearMatching::Performed { .. } => hasher.with_pictures(pdq::views_of_file, Mode::Full),
            NearMatching::Off | NearMatching::NoPdqInLists => hasher,
        };
        Self { matcher, hasher, max_item_bytes: options.max_item_bytes }
    }

    /// The record of a file.
    pub(crate) fn file(
        &self,
        locator: Vec<String>,
        file: &FileItem,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Record {
        let mut record = Record::new(locator, None);
        let result = match file.open() {
            Ok(open) => self.open_file(&mut record, open, watch, clock),
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(()) => {}
            Err(GivenUp::Failed(failure, detail)) => record.fail(failure, detail),
            Err(GivenUp::Skipped(skip, detail)) => record.skip(skip, detail),
        }
        record
    }

    /// The record of bytes in memory.
    pub(crate) fn bytes(&self, locator: Vec<String>, bytes: &[u8]) -> Record {
        let mut record = Record::new(locator, Some(bytes.len() as u64));
        let (digests, picture) = self.hasher.bytes(bytes);
        record.digests = digests;
        self.conclude(&mut record, picture);
        if record.is_finding() {
            complete(&mut record.digests, bytes);
        }
        record
    }

    fn open_file(
        &self,
        record: &mut Record,
        mut open: OpenFile,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<(), GivenUp> {
        let size = open.size();
        record.size = Some(size);
        record.access_time_at_risk = !open.access_time_kept();
        if self.max_item_bytes.is_some_and(|most| size > most) {
            return Err(GivenUp::Skipped(Skip::ItemTooLarge, format!("{size} bytes")));
        }
        clock.lap(Part::Open);
        let hashes = self.hasher.file(&mut open, watch, clock)?;
        record.digests = hashes.digests;
        self.conclude(record, hashes.picture);
        clock.lap(Part::Match);
        if record.is_finding() {
            match &hashes.held {
                Some(held) => complete(&mut record.digests, &held.bytes),
                None => read_again(record, &mut open, watch, clock)?,
            }
            clock.lap(Part::Digest);
        }
        drop(hashes.held);
        let finished = open.finish();
        clock.lap(Part::Open);
        Ok(finished?)
    }

    /// Matches, and the outcome that follows from them.
    fn conclude(&self, record: &mut Record, picture: PictureResult<Views>) {
        let mut matches = self.matcher.exact(&record.digests);
        let mut problem = None;
        let unmatched = match picture {
            PictureResult::NotOne => Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture),
            PictureResult::NotWanted => Outcome::UnmatchedExactOnly(match self.matcher.near_matching() {
                NearMatching::NoPdqInLists => ExactOnly::NoPdqInLists,
                NearMatching::Off | NearMatching::Performed { .. } => ExactOnly::NearOff,
            }),
            PictureResult::Failed(failure, detail) => {
                problem = Some(Problem { reason: failure.name(), detail });
                Outcome::Failed(failure)
            }
            PictureResult::Hashed(hashed) => {
                record.unread_scans = hashed.unread_scans;
                let views = hashed.hash;
                record.pdq = Some(views.whole.hashes[0]);
                record.pdq_quality = Some(views.whole.quality);
                match self.matcher.near(&views, &mut matches) {
                    Ok(()) => Outcome::UnmatchedExactAndNear,
                    Err(_) => Outcome::UnmatchedExactOnly(ExactOnly::LowQuality),
                }
            }
        };
        record.outcome = match (matched(&matches), unmatched) {
            // An ignore list never keeps a near match back, so it must not hide that there was no
            // near comparison.
            (None | Some(Outcome::Ignored), Outcome::Failed(failure)) => Outcome::Failed(failure),
            (Some(matched), _) => matched,
            (None, unmatched) => unmatched,
        };
        record.problem = problem;
        (record.matches, record.retracted) = self.matcher.finish(matches);
    }
}

fn matched(matches: &Matches) -> Option<Outcome> {
    if matches.any(Role::Match, false) {
        Some(Outcome::MatchedExact)
    } else if matches.any(Role::Match, true) {
        Some(Outcome::MatchedNearOnly)
    } else if matches.has_role(Role::Note) || matches.any_below_band() {
        Some(Outcome::Noted)
    } else if matches.has_role(Role::Ignore) {
        Some(Outcome::Ignored)
    } else {
        None
    }
}
