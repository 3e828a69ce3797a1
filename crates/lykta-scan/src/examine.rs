//! One item: open, hash, match.
//!
//! ```text
//! any item:       digests ------> exact
//! a picture:      PDQ, all views -> near
//! something hit:  SHA-1 and SHA-256 too, from the bytes or a second read
//! at the end:     did the file change meanwhile?
//! ```

use std::io::Read;
use std::ops::{ControlFlow, Range};
use std::panic::{AssertUnwindSafe, catch_unwind};

use lykta_hash::Digests;
use lykta_index::{Index, Role};
use lykta_media::pdq::{self, Mode, Views};
use lykta_media::{Digester, SNIFF_LEN, sniff};
use lykta_source::container::{self, Container, ContainerError, Meter};
use lykta_source::{FileItem, OpenFile};

use crate::budget::{Budget, Lender};
use crate::caution::Caution;
use crate::descend::{Descent, Heavy, HeldItem, Outlet, find_previews, give_previews};
use crate::hashing::{FileHasher, Held, MemberHashes, PictureHash, PictureResult};
use crate::matches::Matches;
use crate::matching::Matcher;
use crate::options::Options;
use crate::outcome::{ExactOnly, Failure, Outcome, Problem, Skip};
use crate::profile::{Part, Stopwatch};
use crate::read::{GivenUp, Watch, complete, read_again, read_head, with_reported};
use crate::record::{PICTURE, Record};
use crate::summary::NearMatching;

/// Examines items, each on its own; shared by all threads.
pub(crate) struct Examiner<'i, D> {
    pub(crate) matcher: Matcher<'i, D>,
    hasher: FileHasher<Views>,
    pub(crate) max_item_bytes: u64,
    containers: Option<container::Limits>,
    pub(crate) heavy: Heavy,
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
        let hasher = if options.containers.is_some() { hasher.holding_pictures() } else { hasher };
        let max_item_bytes = options.max_item_bytes.unwrap_or(u64::MAX);
        Self { matcher, hasher, max_item_bytes, containers: options.containers, heavy: Heavy::default() }
    }

    /// One in a process that shares its memory with others, with another way to hash pictures if one is given.
    pub(crate) fn lent(self, lender: &'static dyn Lender, pictures: Option<PictureHash<Views>>) -> Self {
        let hasher = self.hasher.with_lender(lender);
        let hasher = match (pictures, self.matcher.near_matching()) {
            (Some(pictures), NearMatching::Performed { .. }) => hasher.with_pictures(pictures, Mode::Full),
            _ => hasher,
        };
        Self { hasher, heavy: Heavy::lent(lender), ..self }
    }

    /// What pictures may take at once is granted here when others decode them.
    pub(crate) fn budget(&self) -> &Budget {
        self.hasher.budget()
    }

    /// Examines a file, and what it contains; `record` says where it is.
    pub(crate) fn file(
        &self,
        record: Record,
        file: &FileItem,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> ControlFlow<()> {
        self.opened(record, file.open(), watch, clock, out)
    }

    /// The same of a file that is open, or could not be opened.
    pub(crate) fn opened(
        &self,
        mut record: Record,
        open: Result<OpenFile, lykta_source::Error>,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> ControlFlow<()> {
        let mut previews = (Vec::new(), Vec::new());
        let examined = match open {
            Ok(open) => self.open_file(&mut record, open, &mut previews, watch, clock, out),
            Err(error) => Err(error.into()),
        };
        if let Err(given_up) = examined {
            record.give_up(given_up);
        }
        record.stop_if(watch.is_stopped());
        if out.wants(record.unit) {
            out.done(record)?;
        }
        let (found, bytes) = previews;
        give_previews(found, &bytes, self, out)
    }

    fn open_file(
        &self,
        record: &mut Record,
        mut open: OpenFile,
        previews: &mut (Vec<(Record, Range<usize>)>, Vec<u8>),
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> Result<(), GivenUp> {
        let size = open.size();
        record.size = Some(size);
        record.access_time_at_risk = !open.access_time_kept();
        if size > self.max_item_bytes {
            return Err(GivenUp::Skipped(Skip::ItemTooLarge, format!("{size} bytes")));
        }
        clock.lap(Part::Open);
        let head = read_head(&mut open, watch, clock)?;
        let is_picture = sniff(&head[..head.len().min(SNIFF_LEN)]).is_some();
        let caution = out.caution(record.unit).map(|caution| {
            let kind = Container::sniff(&head).filter(|_| !is_picture && self.containers.is_some());
            record.opened = caution.opened(kind.map_or(PICTURE, Container::name));
            Caution { only_bytes: caution.only_bytes || kind.is_some(), ..caution }
        });
        if caution.is_none()
            && let Some(limits) = self.containers.filter(|_| !is_picture)
            && let Some(container) = Container::sniff(&head)
        {
            clock.group(container.name());
            let meter = Meter::new(limits, size);
            let ended =
                Descent::new(self, &meter, watch, clock, out).file(record, container, head, &mut open)?;
            self.ended(record, ended, watch);
            if record.is_finding() {
                read_again(record, &mut open, watch, clock)?;
            }
            return Ok(open.finish()?);
        }
        let hashes = self.hasher.file(head, &mut open, caution.as_ref(), watch, clock)?;
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
        if let Some(Held { bytes, .. }) = hashes.held.filter(|_| self.containers.is_some()) {
            let found = find_previews(record, &bytes, &mut 1);
            // Nothing of the budget may be held while the pictures within ask for some: these bytes are over it then, of
            // one file for each thread.
            if !found.is_empty() {
                *previews = (found, bytes);
            }
        }
        let finished = open.finish();
        clock.lap(Part::Open);
        Ok(finished?)
    }

    /// The record of bytes in memory.
    pub(crate) fn bytes(&self, locator: Vec<String>, bytes: &[u8]) -> Record {
        let mut record = Record::new(locator, Some(bytes.len() as u64));
        self.held(&mut record, bytes, None);
        record
    }

    /// The record of an item in memory. A panic costs this one.
    pub(crate) fn item(&self, item: HeldItem, caution: Option<&Caution>) -> Record {
        let HeldItem { mut record, bytes } = item;
        let place = record.clone();
        catch_unwind(AssertUnwindSafe(move || {
            self.held(&mut record, &bytes, caution);
            *record
        }))
        .unwrap_or_else(|panic| place.panicked(panic.as_ref()))
    }

    fn held(&self, record: &mut Record, bytes: &[u8], caution: Option<&Caution>) {
        let (digests, picture) = self.hasher.bytes(bytes, caution);
        record.digests = digests;
        self.conclude(record, picture);
        if record.is_finding() {
            complete(&mut record.digests, bytes);
        }
    }

    /// Examines what cannot be read twice: `head` and what follows. Returns all of it where it had to be held.
    #[expect(clippy::too_many_arguments, reason = "what is read, what is known of it, and who watches")]
    pub(crate) fn long(
        &self,
        record: &mut Record,
        head: Vec<u8>,
        rest: &mut dyn Read,
        size: Option<u64>,
        caution: Option<&Caution>,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<Vec<u8>, GivenUp> {
        let MemberHashes { digests, picture, size, bytes } =
            self.hasher.member(head, rest, size, caution, watch, clock)?;
        record.size = Some(size);
        record.digests = digests;
        self.conclude(record, picture);
        self.keep_wanted(record);
        Ok(bytes)
    }

    /// Compares the digests of an item that is no picture.
    pub(crate) fn digested(&self, record: &mut Record, digests: Digests) {
        record.digests = digests;
        self.conclude(record, PictureResult::NotOne);
        self.keep_wanted(record);
    }

    /// Makes the digests that are compared.
    pub(crate) fn digester(&self) -> Digester {
        Digester::new(self.matcher.digest_kinds())
    }

    /// Makes those of a reported item, too.
    pub(crate) fn reported_digester(&self) -> Digester {
        Digester::new(with_reported(self.matcher.digest_kinds()))
    }

    /// Those digests of bytes in memory.
    pub(crate) fn reported_digests(&self, bytes: &[u8]) -> Digests {
        let mut digester = self.reported_digester();
        digester.update(bytes);
        digester.finish()
    }

    /// Leaves out digests that were made for the case of a finding.
    fn keep_wanted(&self, record: &mut Record) {
        if !record.is_finding() {
            let kinds = self.matcher.digest_kinds();
            record.digests = record.digests.iter().filter(|digest| kinds.contains(digest.kind())).collect();
        }
    }

    /// What became of opening a container, all bytes of which were read and compared.
    pub(crate) fn ended(&self, record: &mut Record, ended: Result<(), ContainerError>, watch: Watch<'_>) {
        let is_matched =
            matches!(record.outcome, Outcome::MatchedExact | Outcome::MatchedNearOnly | Outcome::Noted);
        let problem = match ended {
            Ok(()) if !watch.is_stopped() => return,
            _ if watch.is_stopped() => return record.skip(Skip::Stopped, String::new()),
            Ok(()) => return,
            Err(error) => error,
        };
        match is_matched {
            // Found is found.
            true => record.problem = Some(Problem { reason: problem.name(), detail: problem.to_string() }),
            false => record.fail(Failure::from(&problem), problem.to_string()),
        }
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
