//! One item: open, read, digest, decode, hash, match.
//!
//! ```text
//! a non-picture:  read in pieces -> digests ----------------------> exact
//! a picture:      read in pieces -> digests, bytes -> decode -> PDQ -> exact, near
//! something hit:  SHA-1 and SHA-256 too, from the bytes or a second read
//! at the end:     did the file change meanwhile?
//! ```

use std::io::Read;
use std::panic::{AssertUnwindSafe, catch_unwind};

use lykta_index::{Index, Role};
use lykta_media::pdq::{self, Mode, Views};
use lykta_media::{Digester, ErrorKind, Format, SNIFF_LEN, decode, probe, sniff};
use lykta_source::{FileItem, OpenFile};

use crate::budget::Budget;
use crate::matches::Matches;
use crate::matching::Matcher;
use crate::options::Options;
use crate::outcome::{ExactOnly, Failure, Outcome, Problem, Skip};
use crate::read::{GivenUp, Watch, complete, read_again, read_all, unreadable};
use crate::record::Record;
use crate::summary::NearMatching;

/// Examines items, each on its own; shared by all threads.
pub(crate) struct Examiner<'i, D> {
    pub(crate) matcher: Matcher<'i, D>,
    options: Options,
    file_memory: Budget,
    decode_memory: Budget,
}

/// What the picture in an item gave.
enum Picture {
    NotOne,
    /// Recognised; there was no reason to decode it.
    NotWanted,
    Failed(Failure, String),
    Hashed(Box<Views>),
}

impl<'i, D: AsRef<[u8]> + Sync> Examiner<'i, D> {
    pub(crate) fn new(indexes: &'i [Index<D>], options: Options) -> Self {
        Self {
            matcher: Matcher::new(indexes, &options),
            file_memory: Budget::new(options.file_memory),
            decode_memory: Budget::new(options.decode_memory),
            options,
        }
    }

    /// The record of a file.
    pub(crate) fn file(&self, locator: Vec<String>, file: &FileItem, watch: Watch<'_>) -> Record {
        let mut record = Record::new(locator, None);
        let result = match file.open() {
            Ok(open) => self.open_file(&mut record, open, watch),
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
        let mut digester = Digester::new(self.matcher.digest_kinds());
        digester.update(bytes);
        record.digests = digester.finish();
        let picture = match sniff(&bytes[..bytes.len().min(SNIFF_LEN)]) {
            None => Picture::NotOne,
            Some(_) if !self.near_performed() => Picture::NotWanted,
            Some(_) => self.hash_picture(bytes),
        };
        self.conclude(&mut record, picture);
        if record.is_finding() {
            complete(&mut record.digests, bytes);
        }
        record
    }

    fn open_file(&self, record: &mut Record, mut open: OpenFile, watch: Watch<'_>) -> Result<(), GivenUp> {
        let size = open.size();
        record.size = Some(size);
        record.access_time_at_risk = !open.access_time_kept();
        if self.options.max_item_bytes.is_some_and(|most| size > most) {
            return Err(GivenUp::Skipped(Skip::ItemTooLarge, format!("{size} bytes")));
        }
        let mut head = Vec::with_capacity(SNIFF_LEN);
        (&mut open).take(SNIFF_LEN as u64).read_to_end(&mut head).map_err(unreadable)?;
        match sniff(&head) {
            Some(format) if self.is_worth_loading(format, size) => {
                self.load(record, &head, &mut open, watch)?
            }
            format => self.stream(record, &head, &mut open, format, watch)?,
        }
        Ok(open.finish()?)
    }

    fn is_worth_loading(&self, format: Format, size: u64) -> bool {
        self.near_performed() && format.is_decoded() && size <= self.file_memory.total()
    }

    fn near_performed(&self) -> bool {
        matches!(self.matcher.near_matching(), NearMatching::Performed { .. })
    }

    /// A picture: one read gives the digests and the bytes to decode.
    fn load(
        &self,
        record: &mut Record,
        head: &[u8],
        open: &mut OpenFile,
        watch: Watch<'_>,
    ) -> Result<(), GivenUp> {
        let size = open.size();
        let _share = self.file_memory.take(size);
        let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap_or(0));
        let keep = |piece: &[u8]| bytes.extend_from_slice(piece);
        record.digests = read_all(self.matcher.digest_kinds(), head, open, watch, keep)?;
        let picture = self.hash_picture(&bytes);
        self.conclude(record, picture);
        if record.is_finding() {
            complete(&mut record.digests, &bytes);
        }
        Ok(())
    }

    /// Anything else: digests alone, whatever the length in little memory.
    fn stream(
        &self,
        record: &mut Record,
        head: &[u8],
        open: &mut OpenFile,
        format: Option<Format>,
        watch: Watch<'_>,
    ) -> Result<(), GivenUp> {
        record.digests = read_all(self.matcher.digest_kinds(), head, open, watch, |_| {})?;
        let picture = match format {
            None => Picture::NotOne,
            Some(_) if !self.near_performed() => Picture::NotWanted,
            Some(format) if !format.is_decoded() => {
                Picture::Failed(Failure::PictureUnsupported, format.name().to_owned())
            }
            Some(format) => {
                let (name, size, most) = (format.name(), open.size(), self.file_memory.total());
                let detail = format!("a {name} file of {size} bytes; at most {most} are held in memory");
                Picture::Failed(Failure::PictureOverLimit, detail)
            }
        };
        self.conclude(record, picture);
        if record.is_finding() { read_again(record, open, watch) } else { Ok(()) }
    }

    /// Decodes and hashes. A panic costs this picture only, not the exact matches of the item.
    fn hash_picture(&self, bytes: &[u8]) -> Picture {
        let hashed = catch_unwind(AssertUnwindSafe(|| {
            let _share = self.decode_memory.take(probe(bytes)?.memory);
            decode(bytes, &self.options.limits).map(|picture| pdq::views(&picture, Mode::Full))
        }));
        match hashed {
            Ok(Ok(views)) => Picture::Hashed(Box::new(views)),
            Ok(Err(error)) => {
                let failure = match error.kind() {
                    ErrorKind::NotAPicture => return Picture::NotOne,
                    ErrorKind::Unsupported => Failure::PictureUnsupported,
                    ErrorKind::OverLimit => Failure::PictureOverLimit,
                    ErrorKind::DecoderFault => Failure::Internal,
                    _ => Failure::PictureDamaged,
                };
                Picture::Failed(failure, error.to_string())
            }
            Err(_) => Picture::Failed(Failure::Internal, "hashing the picture panicked".to_owned()),
        }
    }

    /// Matches, and the outcome that follows from them.
    fn conclude(&self, record: &mut Record, picture: Picture) {
        let mut matches = self.matcher.exact(&record.digests);
        let mut problem = None;
        let unmatched = match picture {
            Picture::NotOne => Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture),
            Picture::NotWanted => Outcome::UnmatchedExactOnly(match self.matcher.near_matching() {
                NearMatching::NoPdqInLists => ExactOnly::NoPdqInLists,
                NearMatching::Off | NearMatching::Performed { .. } => ExactOnly::NearOff,
            }),
            Picture::Failed(failure, detail) => {
                problem = Some(Problem { reason: failure.name(), detail });
                Outcome::Failed(failure)
            }
            Picture::Hashed(views) => {
                record.pdq = Some(views.hashes[0]);
                record.pdq_quality = Some(views.quality);
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
    } else if matches.has_role(Role::Note) {
        Some(Outcome::Noted)
    } else if matches.has_role(Role::Ignore) {
        Some(Outcome::Ignored)
    } else {
        None
    }
}
