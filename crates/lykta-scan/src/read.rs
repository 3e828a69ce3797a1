//! Reading a file in pieces: digests on the way, an end when the scan is stopped.

use std::io::Read;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use lykta_hash::{Digests, Kind, KindSet};
use lykta_media::Digester;
use lykta_source::OpenFile;
use lykta_source::container::ContainerError;

use crate::outcome::{Failure, Skip};
use crate::profile::{Part, Stopwatch};
use crate::record::Record;

/// Bytes read at a time: few enough to stay in cache between the digests.
pub(crate) const PIECE: usize = 64 << 10;

/// Who watches an examination and may end it: the caller's flag, and the scan's own.
#[derive(Clone, Copy)]
pub(crate) struct Watch<'w> {
    /// Is told how many bytes were read.
    pub(crate) read: &'w (dyn Fn(u64) + Sync),
    pub(crate) stop: [&'w AtomicBool; 2],
    /// Is told that work goes on, for each piece at least.
    pub(crate) beat: Option<&'w (dyn Fn() + Sync)>,
}

impl Watch<'_> {
    pub(crate) fn is_stopped(&self) -> bool {
        if let Some(beat) = self.beat {
            beat();
        }
        self.stop.iter().any(|stop| stop.load(Relaxed))
    }
}

/// Why an item is given up, with the particulars in a sentence.
#[derive(Debug)]
pub enum GivenUp {
    /// It could not be read, or changed meanwhile.
    Failed(Failure, String),
    /// It was left out: the caller stopped it.
    Skipped(Skip, String),
}

impl From<lykta_source::Error> for GivenUp {
    fn from(error: lykta_source::Error) -> Self {
        Self::Failed(Failure::from(&error), error.to_string())
    }
}

impl From<ContainerError> for GivenUp {
    fn from(error: ContainerError) -> Self {
        Self::Failed(Failure::from(&error), error.to_string())
    }
}

/// The beginning of a file, by which it is told what it is: all of one that is not longer.
pub(crate) fn read_head(
    open: &mut OpenFile,
    watch: Watch<'_>,
    clock: &mut Stopwatch,
) -> Result<Vec<u8>, GivenUp> {
    let mut head = Vec::with_capacity(usize::try_from(open.size()).map_or(PIECE, |size| size.min(PIECE)));
    open.append_to(&mut head, PIECE)?;
    (watch.read)(head.len() as u64);
    clock.lap(Part::Read);
    Ok(head)
}

/// Appends to `held` what comes from `stream`, until that ends or `held` has more than `most` bytes, and digests it.
/// Returns whether it ended.
pub(crate) fn append(
    stream: &mut dyn Read,
    held: &mut Vec<u8>,
    most: u64,
    digester: &mut Digester,
    watch: Watch<'_>,
) -> Result<bool, GivenUp> {
    while held.len() as u64 <= most {
        if watch.is_stopped() {
            return Err(GivenUp::Skipped(Skip::Stopped, String::new()));
        }
        let begin = held.len();
        let room = (most - begin as u64).saturating_add(1).min(PIECE as u64);
        (&mut *stream).take(room).read_to_end(held).map_err(ContainerError::from)?;
        if held.len() == begin {
            return Ok(true);
        }
        digester.update(&held[begin..]);
    }
    Ok(false)
}

/// Digests what follows in the file, piece by piece; `piece` is memory to be used for that.
///
/// A file that ended early or grew is not noticed here but by [`OpenFile::finish`].
pub(crate) fn read_rest(
    digester: &mut Digester,
    mut piece: Vec<u8>,
    rest: &mut OpenFile,
    watch: Watch<'_>,
    clock: &mut Stopwatch,
) -> Result<(), GivenUp> {
    loop {
        if watch.is_stopped() {
            return Err(GivenUp::Skipped(Skip::Stopped, String::new()));
        }
        piece.clear();
        let count = rest.append_to(&mut piece, PIECE)?;
        clock.lap(Part::Read);
        if count == 0 {
            return Ok(());
        }
        (watch.read)(count as u64);
        digester.update(&piece);
        clock.lap(Part::Digest);
    }
}

/// What is not to be stopped.
static NEVER: AtomicBool = AtomicBool::new(false);

/// The second read of a reported item that was not held in memory, for SHA-1 and SHA-256. Stopping the scan does not
/// stop it.
///
/// What the first read gave stays, matches included; digests of the second are taken only when it
/// saw the same bytes.
pub(crate) fn read_again(
    record: &mut Record,
    open: &mut OpenFile,
    watch: Watch<'_>,
    clock: &mut Stopwatch,
) -> Result<(), GivenUp> {
    let first = record.digests;
    let all = with_reported(first.kinds());
    if all == first.kinds() {
        return Ok(());
    }
    open.rewind()?;
    let mut digester = Digester::new(all);
    // Found is found: what is stopped before it has all digests would have to be found once more.
    let watch = Watch { read: &|_| {}, stop: [&NEVER, &NEVER], ..watch };
    read_rest(&mut digester, Vec::new(), open, watch, clock)?;
    let second = digester.finish();
    if first.iter().any(|digest| second.get(digest.kind()) != Some(digest)) {
        let detail = "a second read gave other bytes; the matches are those of the first";
        return Err(GivenUp::Failed(Failure::Changed, detail.to_owned()));
    }
    record.digests = second;
    Ok(())
}

/// Adds the digests that a reported item always has.
pub(crate) fn complete(digests: &mut Digests, bytes: &[u8]) {
    let missing = with_reported(KindSet::EMPTY).iter().filter(|kind| digests.get(*kind).is_none());
    let mut digester = Digester::new(missing.collect());
    digester.update(bytes);
    digester.finish().iter().for_each(|digest| digests.insert(digest));
}

/// `kinds` and those that every reported item has.
pub(crate) fn with_reported(kinds: KindSet) -> KindSet {
    kinds.with(Kind::Sha1).with(Kind::Sha256)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use lykta_hash::Digest;
    use lykta_source::{ItemKind, WalkOptions, walk};

    pub(crate) fn open(bytes: &[u8]) -> (tempfile::TempDir, OpenFile) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), bytes).unwrap();
        let item = walk(&[dir.path().to_owned()], &WalkOptions::default()).next().unwrap();
        let ItemKind::File(file) = item.kind else { panic!("a file was written") };
        let open = file.open().unwrap();
        (dir, open)
    }

    fn again(first: Digest, bytes: &[u8], stop: bool) -> (Record, Result<(), GivenUp>) {
        let (_dir, mut open) = open(bytes);
        let mut record = Record::new(vec![], None);
        record.digests = [first].into_iter().collect();
        let (stop, never) = (AtomicBool::new(stop), AtomicBool::new(false));
        let watch =
            Watch { read: &|_| panic!("a second read is not counted"), stop: [&stop, &never], beat: None };
        let result = read_again(&mut record, &mut open, watch, &mut Stopwatch::off());
        (record, result)
    }

    fn md5(bytes: &[u8]) -> Digest {
        let mut digests = Digester::new([Kind::Md5].into_iter().collect());
        digests.update(bytes);
        digests.finish().get(Kind::Md5).unwrap()
    }

    #[test]
    fn a_second_read_adds_the_digests_that_a_report_needs() {
        let bytes = vec![7; 3 * PIECE + 1];
        let (record, result) = again(md5(&bytes), &bytes, false);
        assert!(result.is_ok());
        let mut expected = record.digests;
        complete(&mut expected, &bytes);
        assert_eq!(record.digests, expected);
        assert_eq!(record.digests.kinds().iter().collect::<Vec<_>>(), [Kind::Md5, Kind::Sha1, Kind::Sha256]);
    }

    #[test]
    fn digests_of_other_bytes_are_not_mixed_with_those_that_matched() {
        let (record, result) = again(md5(b"first"), b"later", false);
        assert!(matches!(result, Err(GivenUp::Failed(Failure::Changed, _))));
        assert_eq!(record.digests.iter().collect::<Vec<_>>(), [md5(b"first")]);
    }

    /// Broken off, it left a finding without its digests, which was final: going on did not examine it again.
    #[test]
    fn stopping_does_not_break_off_a_second_read() {
        let (record, result) = again(md5(b"first"), b"first", true);
        assert!(result.is_ok());
        assert_eq!(record.digests.kinds().iter().collect::<Vec<_>>(), [Kind::Md5, Kind::Sha1, Kind::Sha256]);
    }
}
