//! From a file to its digests and the hash of its picture, within one budget of memory.
//!
//! ```text
//! the head (64 KiB, not counted): what is it, and what will it take?
//! a picture:      take size + need -> the rest into one buffer, digests on the way -> hash
//!                 more than its headers said: give all back, take more, begin anew
//! anything else:  the rest through the buffer of the head, digests on the way
//! ```

use std::io::Read;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicBool;

use lykta_hash::{Digests, KindSet};
use lykta_media::pdq::{FileHash, Mode};
use lykta_media::{Digester, Error as MediaError, ErrorKind, Format, Limits, SNIFF_LEN, probe, sniff};
use lykta_source::OpenFile;
use lykta_source::container::may_have_previews;

use crate::budget::{Budget, Lender, Share};
use crate::caution::Caution;
use crate::outcome::{Failure, Skip};
use crate::profile::{NOT_A_PICTURE, Part, Stopwatch};
use crate::read::{GivenUp, PIECE, Watch, append, read_head, read_rest, with_reported};

/// Taken for a picture whose headers are not in the head of its file: enough to take most row by
/// row. What turns out to need more begins anew.
const NEED_UNKNOWN: u64 = 8 << 20;

/// Taken beside what headers say: buffers of decoders that do not depend on the picture.
const SLACK: u64 = 1 << 20;

/// From the bytes of a file to a perceptual hash: [`pdq::hash_file`](lykta_media::pdq::hash_file)
/// or another of that module.
pub type PictureHash<H> = fn(&[u8], &Limits, Mode) -> Result<FileHash<H>, MediaError>;

/// Hashes files, each on its own, for all threads: digests, and what likeness is compared by.
///
/// What pictures take at once, their files and their decoding, stays within the memory given.
#[derive(Debug)]
pub struct FileHasher<H> {
    kinds: KindSet,
    pictures: Option<(PictureHash<H>, Mode)>,
    limits: Limits,
    budget: Budget,
    /// A picture below this, its file included, gets what decoding it whole may take.
    small: u64,
    /// Pictures that others may lie in are held whatever is made of them.
    holds_pictures: bool,
}

/// What a file gave.
#[derive(Debug)]
pub struct FileHashes<'b, H> {
    /// Its digests.
    pub digests: Digests,
    /// What became of the picture in it.
    pub picture: PictureResult<H>,
    /// The bytes of the file, where they had to be held.
    pub(crate) held: Option<Held<'b>>,
}

/// What became of the picture in a file.
#[derive(Debug)]
pub enum PictureResult<H> {
    /// There is none.
    NotOne,
    /// Recognised; nobody wanted its hash.
    NotWanted,
    /// Not hashed, with the reason in a sentence.
    Failed(Failure, String),
    /// Hashed.
    Hashed(FileHash<H>),
}

/// The bytes of a file and the share of the budget that they have.
#[derive(Debug)]
pub(crate) struct Held<'b> {
    pub(crate) bytes: Vec<u8>,
    _share: Share<'b>,
}

/// What a member of a container gave.
#[derive(Debug)]
pub(crate) struct MemberHashes<H> {
    pub(crate) digests: Digests,
    pub(crate) picture: PictureResult<H>,
    pub(crate) size: u64,
    /// All of it, where it had to be held; else nothing.
    pub(crate) bytes: Vec<u8>,
}

/// How pictures are hashed, and what speaks against it for this one.
type Pictures<'c, H> = (PictureHash<H>, Mode, Option<&'c Caution>);

/// Of a picture that is compared by its digests only.
const NOT_LOOKED_INTO: &str =
    "it is too long to be held, so pictures within it were not looked for; raising --memory may help";

enum Attempt<H> {
    Done(PictureResult<H>),
    /// Decoding takes so many bytes.
    NeedsMore(u64),
}

impl<H> FileHasher<H> {
    /// Computes digests of `kinds`; those that are not digests are left out. `memory` is what
    /// pictures may take at once, in bytes, and `jobs` how many threads share it; a buffer of 64 KiB
    /// a thread is not counted.
    pub fn new(kinds: KindSet, memory: u64, jobs: NonZeroUsize, limits: Limits) -> Self {
        let small = memory / (4 * jobs.get() as u64);
        Self { kinds, pictures: None, limits, budget: Budget::new(memory), small, holds_pictures: false }
    }

    /// Computes `hash` of pictures, too.
    #[must_use]
    pub fn with_pictures(self, hash: PictureHash<H>, mode: Mode) -> Self {
        Self { pictures: Some((hash, mode)), ..self }
    }

    /// Holds pictures that others may lie in, also where none is hashed.
    pub(crate) fn holding_pictures(self) -> Self {
        Self { holds_pictures: true, ..self }
    }

    /// Whether all bytes of what is no picture to be hashed are held all the same.
    fn is_held(&self, head: &[u8], size: u64) -> bool {
        self.holds_pictures && may_have_previews(head) && size <= self.budget.total()
    }

    /// What becomes of a picture that nobody wants the hash of: it is told when others may lie in it.
    fn not_held(&self, head: &[u8]) -> PictureResult<H> {
        match self.holds_pictures && may_have_previews(head) {
            true => PictureResult::Failed(Failure::PictureOverLimit, NOT_LOOKED_INTO.to_owned()),
            false => PictureResult::NotWanted,
        }
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// In a process that shares its memory with others.
    pub(crate) fn with_lender(self, lender: &'static dyn Lender) -> Self {
        Self { budget: Budget::lent(self.budget.total(), lender), ..self }
    }

    /// Reads `open` to its end. `read` is told how many bytes were read, piece by piece; setting
    /// `stop` ends it soon. Waits until the memory is free that a picture takes.
    ///
    /// # Errors
    /// [`GivenUp`]. A picture that cannot be hashed is none: its digests are there.
    pub fn hash(
        &self,
        open: &mut OpenFile,
        read: &(dyn Fn(u64) + Sync),
        stop: &AtomicBool,
    ) -> Result<FileHashes<'_, H>, GivenUp> {
        let (watch, clock) = (Watch { read, stop: [stop, stop], beat: None }, &mut Stopwatch::off());
        let head = read_head(open, watch, clock)?;
        self.file(head, open, None, watch, clock)
    }

    /// Hashes a file of which `head` was read.
    pub(crate) fn file(
        &self,
        head: Vec<u8>,
        open: &mut OpenFile,
        caution: Option<&Caution>,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<FileHashes<'_, H>, GivenUp> {
        let size = open.size();
        let format = sniff(&head[..head.len().min(SNIFF_LEN)]);
        clock.group(format.map_or(NOT_A_PICTURE, Format::name));
        let picture = match (format, self.pictures) {
            _ if let Some(caution) = caution.filter(|caution| caution.only_bytes) => caution.result(),
            (None, _) => PictureResult::NotOne,
            (Some(_), None) if self.is_held(&head, size) => {
                let share = self.budget.take(size);
                let (bytes, digests) = self.read_whole(head, open, watch, clock)?;
                let held = Some(Held { bytes, _share: share });
                return Ok(FileHashes { digests, picture: PictureResult::NotWanted, held });
            }
            (Some(_), None) => self.not_held(&head),
            (Some(_), Some((hash, mode))) => match self.first_grant(&head, size) {
                Ok(granted) => return self.load((hash, mode, caution), granted, head, open, watch, clock),
                Err((failure, detail)) => PictureResult::Failed(failure, detail),
            },
        };
        let mut digester = Digester::new(self.kinds);
        digester.update(&head);
        clock.lap(Part::Digest);
        read_rest(&mut digester, head, open, watch, clock)?;
        Ok(FileHashes { digests: digester.finish(), picture, held: None })
    }

    /// Hashes what cannot be read twice: `head`, and what follows it. Its size is what somebody says it is, if anybody
    /// does. The digests are those that a reported item has.
    pub(crate) fn member(
        &self,
        head: Vec<u8>,
        rest: &mut dyn Read,
        size: Option<u64>,
        caution: Option<&Caution>,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<MemberHashes<H>, GivenUp> {
        let mut digester = Digester::new(with_reported(self.kinds));
        digester.update(&head);
        let format = sniff(&head[..head.len().min(SNIFF_LEN)]);
        clock.group(format.map_or(NOT_A_PICTURE, Format::name));
        let mut held = head;
        let mut read = held.len() as u64;
        let picture = match (format, self.pictures) {
            _ if let Some(caution) = caution.filter(|caution| caution.only_bytes) => caution.result(),
            (None, _) => PictureResult::NotOne,
            (Some(_), None) if self.is_held(&held, size.unwrap_or(read)) => {
                let most = size.unwrap_or(self.budget.total());
                let _share = self.budget.take(most);
                if append(rest, &mut held, most, &mut digester, watch)? {
                    let (picture, size) = (PictureResult::NotWanted, held.len() as u64);
                    return Ok(MemberHashes { digests: digester.finish(), picture, size, bytes: held });
                }
                PictureResult::Failed(Failure::PictureOverLimit, NOT_LOOKED_INTO.to_owned())
            }
            (Some(_), None) => self.not_held(&held),
            (Some(_), Some((hash, mode))) => match self.first_grant(&held, size.unwrap_or(read)) {
                Err((failure, detail)) => PictureResult::Failed(failure, detail),
                Ok(granted) => {
                    let total = self.budget.total();
                    // What nobody knows may be as long as all that there is.
                    let most = size.unwrap_or(total - granted);
                    let mut share = self.budget.take(most.saturating_add(granted).min(total));
                    clock.lap(Part::Wait);
                    held.reserve_exact(
                        usize::try_from(size.unwrap_or(0)).unwrap_or(0).saturating_sub(held.len()),
                    );
                    if append(rest, &mut held, most, &mut digester, watch)? {
                        share.shrink_to(held.len() as u64 + granted);
                        let picture = self.picture_held(&held, share, granted, (hash, mode, caution));
                        clock.lap(Part::Picture);
                        let size = held.len() as u64;
                        return Ok(MemberHashes { digests: digester.finish(), picture, size, bytes: held });
                    }
                    let detail = match size {
                        Some(size) => format!("it has more than the {size} bytes that are stated"),
                        None => format!("it has more than {most} bytes; raising --memory may help"),
                    };
                    PictureResult::Failed(Failure::PictureOverLimit, detail)
                }
            },
        };
        read = read.max(held.len() as u64);
        // Not cleared: it may have as much memory as a picture may, and its share was given back.
        held = Vec::with_capacity(PIECE);
        loop {
            held.clear();
            let is_end = append(rest, &mut held, PIECE as u64 - 1, &mut digester, watch)?;
            read += held.len() as u64;
            if is_end {
                break;
            }
        }
        clock.lap(Part::Digest);
        Ok(MemberHashes { digests: digester.finish(), picture, size: read, bytes: Vec::new() })
    }

    /// As many attempts as it takes, on bytes that `share` covers.
    fn picture_held<'b>(
        &'b self,
        bytes: &[u8],
        mut share: Share<'b>,
        mut granted: u64,
        pictures: Pictures<'_, H>,
    ) -> PictureResult<H> {
        let size = bytes.len() as u64;
        loop {
            let attempt = self.attempt(pictures, bytes, granted, self.most(size).unwrap_or(granted));
            match attempt {
                Attempt::Done(picture) => return picture,
                Attempt::NeedsMore(need) => match self.grant(size, need) {
                    // Nothing may be held while waiting. The bytes cannot be read again, so for that time they are
                    // over the budget: at most one such item a thread, and only where headers did not say enough.
                    Ok(more) => {
                        drop(share);
                        granted = more;
                        share = self.budget.take(size + granted);
                    }
                    Err((failure, detail)) => return PictureResult::Failed(failure, detail),
                },
            }
        }
    }

    /// The same of bytes that the caller holds.
    pub(crate) fn bytes(&self, bytes: &[u8], caution: Option<&Caution>) -> (Digests, PictureResult<H>) {
        let mut digester = Digester::new(self.kinds);
        digester.update(bytes);
        let picture = match (sniff(&bytes[..bytes.len().min(SNIFF_LEN)]), self.pictures) {
            (None, _) => PictureResult::NotOne,
            (Some(_), None) => PictureResult::NotWanted,
            (Some(_), Some((hash, mode))) => self.picture_in(bytes, (hash, mode, caution)),
        };
        (digester.finish(), picture)
    }

    fn picture_in(&self, bytes: &[u8], pictures: Pictures<'_, H>) -> PictureResult<H> {
        let mut grant = self.first_grant(bytes, 0);
        loop {
            let granted = match grant {
                Ok(granted) => granted,
                Err((failure, detail)) => return PictureResult::Failed(failure, detail),
            };
            let share = self.budget.take(granted);
            let attempt = self.attempt(pictures, bytes, granted, self.most(0).unwrap_or(granted));
            drop(share);
            match attempt {
                Attempt::Done(picture) => return picture,
                Attempt::NeedsMore(need) => grant = self.grant(0, need),
            }
        }
    }

    /// One buffer of exactly the file's size, and as many attempts as it takes.
    fn load(
        &self,
        pictures: Pictures<'_, H>,
        mut granted: u64,
        mut head: Vec<u8>,
        open: &mut OpenFile,
        mut watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<FileHashes<'_, H>, GivenUp> {
        let size = open.size();
        let mut first: Option<Digests> = None;
        loop {
            let mut share = self.budget.take(size + granted);
            clock.lap(Part::Wait);
            let (bytes, digests) = self.read_whole(head, open, watch, clock)?;
            if first.is_some_and(|first| first != digests) {
                let detail = "a second read gave other bytes".to_owned();
                return Err(GivenUp::Failed(Failure::Changed, detail));
            }
            let attempt = self.attempt(pictures, &bytes, granted, self.most(size).unwrap_or(granted));
            clock.lap(Part::Picture);
            match attempt {
                Attempt::Done(picture) => {
                    share.shrink_to(size);
                    return Ok(FileHashes { digests, picture, held: Some(Held { bytes, _share: share }) });
                }
                Attempt::NeedsMore(need) => match self.grant(size, need) {
                    Ok(more) => granted = more,
                    Err((failure, detail)) => {
                        let picture = PictureResult::Failed(failure, detail);
                        return Ok(FileHashes { digests, picture, held: None });
                    }
                },
            }
            first = Some(digests);
            head = Vec::new();
            open.rewind()?;
            watch.read = &|_| {};
        }
    }

    /// The bytes from `head`, which was read, to the end.
    fn read_whole(
        &self,
        head: Vec<u8>,
        open: &mut OpenFile,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
    ) -> Result<(Vec<u8>, Digests), GivenUp> {
        let size = usize::try_from(open.size()).unwrap_or(usize::MAX);
        let mut bytes = head;
        if bytes.capacity() < size {
            let mut whole = Vec::with_capacity(size);
            whole.append(&mut bytes);
            bytes = whole;
        }
        let mut digester = Digester::new(self.kinds);
        digester.update(&bytes);
        clock.lap(Part::Digest);
        while bytes.len() < size {
            if watch.is_stopped() {
                return Err(GivenUp::Skipped(Skip::Stopped, String::new()));
            }
            let begin = bytes.len();
            let count = open.append_to(&mut bytes, PIECE)?;
            clock.lap(Part::Read);
            if count == 0 {
                break;
            }
            (watch.read)(count as u64);
            digester.update(&bytes[begin..]);
            clock.lap(Part::Digest);
        }
        Ok((bytes, digester.finish()))
    }

    /// What decoding gets at first, by the head of the file.
    fn first_grant(&self, head: &[u8], size: u64) -> Result<u64, (Failure, String)> {
        let need = match probe(head) {
            // Will be refused for that.
            Ok(header) if header.dimensions().pixels() > self.limits.max_pixels => 0,
            Ok(header) if size.saturating_add(header.memory_to_keep()) <= self.small => {
                header.memory_to_keep()
            }
            Ok(header) => header.hash_memory,
            Err(error) if error.format().is_some_and(|format| !format.is_decoded()) => {
                return Err((Failure::PictureUnsupported, error.to_string()));
            }
            // The headers may follow: behind a large profile, or, of a TIFF, at the end.
            Err(_) => NEED_UNKNOWN.min(self.most(size).unwrap_or(0)),
        };
        self.grant(size, need)
    }

    /// What decoding gets when it needs `need` bytes.
    fn grant(&self, size: u64, need: u64) -> Result<u64, (Failure, String)> {
        let total = self.budget.total();
        let over = |detail| Err((Failure::PictureOverLimit, detail));
        match self.most(size) {
            Some(most) if need <= most => Ok(need.saturating_add(SLACK).min(most)),
            Some(most) if most == self.limits.max_memory => {
                over(format!("decoding it takes {need} bytes of memory and the limit is {most}"))
            }
            Some(_) => over(format!(
                "it takes {} bytes of memory, {size} of them for its file, and {total} are allowed: \
                 raise that with --memory",
                size.saturating_add(need)
            )),
            None => over(format!(
                "its file of {size} bytes is held in memory while it is decoded, and {total} are allowed: \
                 raise that with --memory"
            )),
        }
    }

    /// The most that decoding can get beside a file of `size` bytes.
    fn most(&self, size: u64) -> Option<u64> {
        Some(self.budget.total().checked_sub(size)?.min(self.limits.max_memory))
    }

    /// Whether it could only be memory that a decoder lacks.
    fn is_within_pixels(&self, bytes: &[u8]) -> bool {
        probe(bytes).is_ok_and(|header| header.dimensions().pixels() <= self.limits.max_pixels)
    }

    /// Hashes with `granted` bytes of memory. A panic costs this picture only, not its digests.
    fn attempt(
        &self,
        (hash, mode, caution): Pictures<'_, H>,
        bytes: &[u8],
        granted: u64,
        most: u64,
    ) -> Attempt<H> {
        if let Some(caution) = caution {
            return Attempt::Done(caution.result());
        }
        let limits = Limits { max_memory: granted, ..self.limits };
        let error = match catch_unwind(AssertUnwindSafe(|| hash(bytes, &limits, mode))) {
            Ok(Ok(hashed)) => return Attempt::Done(PictureResult::Hashed(hashed)),
            Ok(Err(error)) => error,
            Err(_) => {
                let detail = "hashing the picture panicked".to_owned();
                return Attempt::Done(PictureResult::Failed(Failure::Internal, detail));
            }
        };
        let failure = match error.kind() {
            ErrorKind::NotAPicture => return Attempt::Done(PictureResult::NotOne),
            ErrorKind::Unsupported => Failure::PictureUnsupported,
            ErrorKind::OverLimit => {
                // Some decoders say only that it was too little, so they get all there is.
                let needed = error.memory_needed().or_else(|| {
                    let unknown = granted < most && self.is_within_pixels(bytes);
                    unknown.then_some(most)
                });
                match needed.filter(|needed| *needed > granted) {
                    Some(needed) => return Attempt::NeedsMore(needed),
                    None => Failure::PictureOverLimit,
                }
            }
            ErrorKind::DecoderFault => Failure::Internal,
            _ => Failure::PictureDamaged,
        };
        let mut detail = error.to_string();
        if failure == Failure::PictureOverLimit
            && most < self.limits.max_memory
            && self.is_within_pixels(bytes)
        {
            detail += "; raising --memory may help";
        }
        Attempt::Done(PictureResult::Failed(failure, detail))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::tests::open as open_file;
    use lykta_hash::Kind;
    use lykta_media::pdq::{self, PdqHash};
    use std::cell::{Cell, RefCell};
    use std::path::PathBuf;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    thread_local! {
        static ATTEMPTS: Cell<u32> = const { Cell::new(0) };
        /// A file to be changed by the next attempt.
        static CHANGES: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    }

    /// Some 245 MB to decode, whatever the headers of the file say.
    const HUNGRY: &[u8] = b"P5 7000 7000 255\n";

    fn hungry(bytes: &[u8], limits: &Limits, mode: Mode) -> Result<FileHash<PdqHash>, MediaError> {
        ATTEMPTS.set(ATTEMPTS.get() + 1);
        if let Some(path) = CHANGES.take() {
            let mut other = bytes.to_vec();
            other[5000] ^= 1;
            std::fs::write(path, other).unwrap();
        }
        if probe(HUNGRY).unwrap().memory > limits.max_memory {
            lykta_media::decode(HUNGRY, limits)?;
        }
        pdq::hash_file(bytes, limits, mode)
    }

    fn picture() -> Vec<u8> {
        let pixels = (0..96 * 96u32).map(|at| (at % 96 * (at / 96) / 40) as u8);
        b"P5 96 96 255\n".iter().copied().chain(pixels).collect()
    }

    /// With the attempts that it took and the bytes that were counted.
    fn hash(
        memory: u64,
        bytes: &[u8],
        changes: bool,
    ) -> (Result<Digests, Failure>, Option<String>, u32, u64) {
        ATTEMPTS.set(0);
        let kinds = KindSet::EMPTY.with(Kind::Sha1).with(Kind::Blake3);
        let hasher = FileHasher::new(kinds, memory, NonZeroUsize::MIN, Limits::default());
        let hasher = hasher.with_pictures(hungry, Mode::Full);
        let (dir, mut open) = open_file(bytes);
        CHANGES.set(changes.then(|| dir.path().join("a")));
        let (count, stop) = (AtomicU64::new(0), AtomicBool::new(false));
        let hashes = hasher.hash(&mut open, &|read| _ = count.fetch_add(read, Relaxed), &stop);
        let (digests, picture) = match hashes {
            Ok(FileHashes { digests, picture, held }) => {
                drop(held);
                (Ok(digests), Some(picture))
            }
            Err(GivenUp::Failed(failure, _)) => (Err(failure), None),
            Err(GivenUp::Skipped(..)) => panic!("nobody stopped it"),
        };
        assert_eq!(hasher.budget.free(), memory, "all of it came back");
        let failed = match picture {
            Some(PictureResult::Failed(Failure::PictureOverLimit, detail)) => Some(detail),
            Some(PictureResult::Failed(_, detail)) => panic!("{detail}"),
            _ => None,
        };
        (digests, failed, ATTEMPTS.get(), count.into_inner())
    }

    fn digests(bytes: &[u8]) -> Digests {
        let mut digester = Digester::new(KindSet::EMPTY.with(Kind::Sha1).with(Kind::Blake3));
        digester.update(bytes);
        digester.finish()
    }

    #[test]
    fn what_needs_more_than_its_headers_said_begins_anew() {
        for bytes in [picture(), [picture(), vec![7; 3 * PIECE]].concat()] {
            let read = bytes.len() as u64;
            assert_eq!(hash(1 << 30, &bytes, false), (Ok(digests(&bytes)), None, 2, read), "counted once");
        }
    }

    #[test]
    fn what_needs_more_than_there_is_says_how_much_and_keeps_its_digests() {
        let bytes = [picture(), vec![7; 3 * PIECE]].concat();
        let enough = probe(HUNGRY).unwrap().memory + bytes.len() as u64;
        let (found, failed, attempts, _) = hash(enough - 1, &bytes, false);
        assert_eq!((found, attempts), (Ok(digests(&bytes)), 1));
        let detail = failed.unwrap();
        let says = |number: u64| detail.contains(&number.to_string());
        assert!(says(enough) && says(enough - 1) && detail.contains("--memory"), "{detail}");
        assert_eq!(hash(enough, &bytes, false).1, None);
    }

    #[test]
    fn other_bytes_in_the_second_attempt_are_a_changed_file() {
        assert_eq!(hash(1 << 30, &picture(), true).0, Err(Failure::Changed));
    }
}
