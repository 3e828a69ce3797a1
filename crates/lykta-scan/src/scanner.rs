//! The pipeline: items on one side, records on the other, threads in between.
//!
//! ```text
//! items --(one at a time)--> thread: examine --(one at a time)--> sink, summary
//!                            thread: examine
//!                              | a container: its short members
//!                            queue --> any thread: examine
//! ```
//!
//! Threads are started with `broadcast` and each takes items until there are none. They do not
//! share work through `par_bridge`: there, a thread that waits for a part of its near search may be
//! given another item meanwhile, and would wait for memory that only it could give back.

use std::io;
use std::iter::Enumerate;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use lykta_hash::{Hash, Kind};
use lykta_index::{Index, Mapped};
use lykta_media::Dimensions;
use lykta_media::pdq::{self, Mode, PdqHash};
use lykta_source::{FileItem, Item, ItemKind, escape};

use crate::account::Account;
use crate::descend::{HeldItem, Outlet, SHORT};
use crate::error::{Cause, Error};
use crate::examine::Examiner;
#[cfg(unix)]
use crate::isolate::Common;
use crate::isolate::{Confinement, Isolation, Pool};
use crate::matching::Answer;
use crate::options::Options;
use crate::outcome::{Failure, Skip};
use crate::past::{Past, state};
use crate::profile::{MEMBER, Part, Profile, Stopwatch, ThreadProfile};
use crate::progress::Progress;
use crate::queue::Queue;
use crate::read::Watch;
use crate::record::{Opened, Record, Unit, panic_text};
use crate::sink::Sink;
use crate::summary::{NearMatching, Summary};

/// Items in memory that wait for a thread: for each that could take one, up to so many.
const MOST_QUEUED: u64 = 16;

/// Bytes of stack of a thread: 64 containers within one another are as many calls within one another.
const STACK: usize = 16 << 20;

/// Compares items with one index or several.
///
/// May be kept and used many times, from many threads; the memory that [`Options`] grant is then
/// shared by all of them.
pub struct Scanner<'i, D = Mapped> {
    examiner: Examiner<'i, D>,
    options: Options,
    /// The worker processes that decode, if that is not done here.
    pool: Option<Pool>,
}

impl<'i, D: AsRef<[u8]> + Sync> Scanner<'i, D> {
    /// A scanner; nothing is read yet.
    pub fn new(index: &'i Index<D>, options: Options) -> Self {
        Self::with_indexes(std::slice::from_ref(index), options)
    }

    /// A scanner that compares with several indexes, such as a large one and daily additions: their
    /// answers are merged, and a match that two of them give is given once.
    pub fn with_indexes(indexes: &'i [Index<D>], options: Options) -> Self {
        Self { examiner: Examiner::new(indexes, &options), options, pool: None }
    }

    /// Has worker processes read, unpack and decode, which have limits of memory and time and, on Linux, no file system and no
    /// network. A worker that ends costs one item, which fails as [`Failure::Worker`] and is still compared by its digests
    /// if it can be read; on everything else results are the same. Starts one worker; others follow when they are needed,
    /// up to two for each thread.
    ///
    /// ```no_run
    /// use std::path::PathBuf;
    ///
    /// use lykta_index::Index;
    /// use lykta_scan::{Isolation, Options, Scanner};
    ///
    /// fn main() -> Result<(), Box<dyn std::error::Error>> {
    ///     // This program is its own worker. Before there are threads:
    ///     if std::env::args().nth(1).as_deref() == Some("worker") {
    ///         lykta_scan::worker_main();
    ///         return Ok(());
    ///     }
    ///     let path = PathBuf::from("list.lykta");
    ///     let index = Index::open(&path)?;
    ///     let scanner = Scanner::new(&index, Options::default()).isolated(Isolation::new(vec![path]))?;
    ///     let record = scanner.examine_bytes("upload", b"whatever came");
    ///     println!("{}", record.outcome);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// Pictures of all workers together take what [`Options::memory`] says, and small ones up to a quarter of it more.
    ///
    /// # Errors
    /// When no worker can be started, or the files that `isolation` names are not those of the indexes.
    pub fn isolated(self, isolation: Isolation) -> Result<Self, Error> {
        #[cfg(unix)]
        {
            let checksums: Vec<_> = self.examiner.matcher.indexes.iter().map(Index::checksum).collect();
            let pool = Pool::new(isolation, &checksums, &self.options)?;
            Ok(Self { pool: Some(pool), ..self })
        }
        #[cfg(not(unix))]
        {
            let _ = isolation;
            Err(Cause::Workers("they are made for Unix, and this system is another".to_owned()).into())
        }
    }

    /// What the system keeps worker processes from; none where nothing is isolated. A user must be told
    /// [`Confinement::note`].
    pub fn confinement(&self) -> Option<Confinement> {
        #[cfg(unix)]
        return self.pool.as_ref().map(Pool::confinement);
        #[cfg(not(unix))]
        return None;
    }

    #[cfg(unix)]
    fn common<'s>(&'s self, pool: &'s Pool) -> Common<'s> {
        let (budget, heavy) = (self.examiner.budget(), &self.examiner.heavy);
        Common { pool, budget, heavy, disputed: &self.options.disputed }
    }

    fn file(
        &self,
        record: Record,
        file: &FileItem,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> ControlFlow<()> {
        match &self.pool {
            #[cfg(unix)]
            Some(pool) => self.common(pool).file(record, file, watch, clock, out),
            _ => self.examiner.file(record, file, watch, clock, out),
        }
    }

    fn item(&self, item: HeldItem) -> Record {
        match &self.pool {
            #[cfg(unix)]
            Some(pool) => self.common(pool).item(item),
            _ => self.examiner.item(item, None),
        }
    }

    /// Whether and how pictures will be compared by likeness. A user must be told
    /// [`NearMatching::note`].
    pub fn near_matching(&self) -> NearMatching {
        self.examiner.matcher.near_matching()
    }

    /// The largest distance at which PDQ hashes are searched for in each index, in the order of the
    /// indexes: the largest that holds for any of its lists.
    pub fn search_radii(&self) -> Vec<u32> {
        self.examiner.matcher.search_radii()
    }

    /// Examines `items` and hands the record of each to `sink`, in no particular order.
    ///
    /// What is handed over does not depend on the number of threads. Setting `stop` ends the scan
    /// soon: between items, and between pieces of an item, which is then skipped. A panic while an
    /// item is examined makes that item a failed one.
    ///
    /// Returns what was counted; [`Summary::complete`] is false when `stop` was set, even if that
    /// was too late to leave anything out.
    ///
    /// # Errors
    /// When threads cannot be started, or `sink` failed or `items` panicked, which both end the
    /// scan.
    pub fn run(
        &self,
        items: impl Iterator<Item = Item> + Send,
        sink: &mut dyn Sink,
        progress: &Progress,
        stop: &AtomicBool,
    ) -> Result<Summary, Error> {
        let nothing = Past::new(self.empty_summary());
        self.go_on(nothing, items, sink, progress, stop, false).map(|(summary, _)| summary)
    }

    /// An empty summary of a scan by this scanner.
    pub fn empty_summary(&self) -> Summary {
        Summary::new(self.near_matching(), self.options.warn_hits)
    }

    /// As [`Scanner::run`], after what was done before the scan was interrupted: that is counted, and not handed to
    /// `sink` again. `items` are the same, from the first on; [`Past::check`] says whether they are. Measures where
    /// the time goes if `profiled`.
    ///
    /// # Errors
    /// Those of [`Scanner::run`].
    pub fn go_on(
        &self,
        past: Past,
        items: impl Iterator<Item = Item> + Send,
        sink: &mut dyn Sink,
        progress: &Progress,
        stop: &AtomicBool,
        profiled: bool,
    ) -> Result<(Summary, Option<Profile>), Error> {
        let summary = past.summary.clone();
        progress.add_past(&summary);
        let work = Admission::new(items, &self.options, &past);
        let crew = Crew { sink, progress, stop, summary, profile: ThreadProfile::new(profiled), past: &past };
        let (file, item) = (
            |record, file: &_, watch: Watch<'_>, clock: &mut _, out: &mut dyn Outlet| {
                self.file(record, file, watch, clock, out)
            },
            |item| self.item(item),
        );
        crew.drive(self.options.jobs.get(), work, file, item)
    }

    /// The answer to each hash, in the order of the hashes: what is known when there is a hash and
    /// no picture. A PDQ is compared as it is, in no other view; its own quality is not known, and
    /// that of an entry must reach the gate. A hash of 64 bits is compared when the options state a
    /// radius for its kind; [`Scanner::expected_random_hits`] says so.
    pub fn look_up(&self, hashes: &[Hash]) -> Vec<Answer> {
        self.examiner.matcher.look_up(hashes)
    }

    /// How many hits a hash of `kind` has on average by chance alone, at the number of hashes in the
    /// indexes and the radius in force (the widest, where lists have their own). It assumes
    /// that hashes are evenly spread; those of pictures have more. None for digests, and where hashes of the kind are not
    /// compared at all.
    pub fn expected_random_hits(&self, kind: Kind) -> Option<f64> {
        self.examiner.matcher.expected_random_hits(kind)
    }

    /// Compares bytes in memory, by the same rules as [`Scanner::run`].
    ///
    /// `name` becomes the locator. The limits on items do not apply; those on decoding do.
    pub fn examine_bytes(&self, name: &str, bytes: &[u8]) -> Record {
        let locator = vec![escape(name.as_bytes()).into_owned()];
        if self.pool.is_none() {
            return self.examiner.bytes(locator, bytes);
        }
        let record = Box::new(Record::new(locator, Some(bytes.len() as u64)));
        self.item(HeldItem { record, bytes: bytes.to_vec() })
    }

    /// The PDQ of a picture in memory and its dimensions, whether or not anything is compared with it: by a worker
    /// process, where those decode. Takes what [`Options::limits`] allow, beside [`Options::memory`].
    ///
    /// # Errors
    /// Why there is none, in a sentence.
    pub fn hash_picture(&self, bytes: &[u8]) -> Result<(PdqHash, Dimensions), String> {
        let limits = self.options.limits;
        match &self.pool {
            #[cfg(unix)]
            Some(pool) => self.common(pool).picture(bytes),
            _ => match catch_unwind(|| pdq::hash_file(bytes, &limits, Mode::Full)) {
                Ok(Ok(picture)) => Ok((picture.hash, picture.dimensions)),
                Ok(Err(error)) => Err(error.to_string()),
                Err(panic) => Err(panic_text(panic.as_ref())),
            },
        }
    }
}

/// An item, as far as it could be settled without reading it.
enum Work {
    Done(Box<Record>),
    Examine(Box<Record>, FileItem),
}

/// Settles, in the order of the items and hence the same for any number of threads, which of them
/// are read.
struct Admission<'p, I> {
    items: Enumerate<I>,
    past: &'p Past,
    max_item_bytes: u64,
    /// Bytes that may still be read. None once an item did not fit: then no later one does, and
    /// which ones were read stays easy to say.
    left: Option<u64>,
}

impl<'p, I: Iterator<Item = Item>> Admission<'p, I> {
    fn new(items: I, options: &Options, past: &'p Past) -> Self {
        let no_limit = u64::MAX;
        Self {
            items: items.enumerate(),
            past,
            max_item_bytes: options.max_item_bytes.unwrap_or(no_limit),
            left: options.max_total_bytes.or(Some(no_limit)),
        }
    }
}

impl<I: Iterator<Item = Item>> Iterator for Admission<'_, I> {
    type Item = Work;

    fn next(&mut self) -> Option<Work> {
        loop {
            let (number, item) = self.items.next()?;
            let unit = Unit { file: number as u64, member: 0, state: state(&item) };
            let work = self.admit(item, unit);
            if !self.past.is_file_done(unit.file) {
                return Some(work);
            }
        }
    }
}

impl<I> Admission<'_, I> {
    fn admit(&mut self, item: Item, unit: Unit) -> Work {
        let Item { locator, kind } = item;
        let locator: Vec<String> = locator.steps().map(Into::into).collect();
        let mut record = Record::new(locator, None);
        record.unit = unit;
        match kind {
            ItemKind::File(file) => {
                record.size = Some(file.size());
                if file.size() > self.max_item_bytes {
                    record.skip(Skip::ItemTooLarge, format!("{} bytes", file.size()));
                } else if !self.fits(file.size()) {
                    record.skip(Skip::TotalUsedUp, String::new());
                } else {
                    return Work::Examine(Box::new(record), file);
                }
            }
            ItemKind::Skipped { reason, size } => {
                record.size = Some(size);
                record.skip(Skip::from(&reason), reason.to_string());
            }
            ItemKind::Failed(error) => record.fail(Failure::from(&error), error.to_string()),
        }
        Work::Done(Box::new(record))
    }

    fn fits(&mut self, size: u64) -> bool {
        self.left = self.left.and_then(|left| left.checked_sub(size));
        self.left.is_some()
    }
}

/// What the threads of one run share.
struct Crew<'r> {
    sink: &'r mut dyn Sink,
    progress: &'r Progress,
    stop: &'r AtomicBool,
    summary: Summary,
    /// What all threads measured, as they end.
    profile: ThreadProfile,
    past: &'r Past,
}

impl Crew<'_> {
    /// `file` examines a file, and `item` what was found in one and is in memory.
    fn drive(
        mut self,
        jobs: usize,
        work: impl Iterator<Item = Work> + Send,
        file: impl Fn(Record, &FileItem, Watch<'_>, &mut Stopwatch, &mut dyn Outlet) -> ControlFlow<()> + Sync,
        item: impl Fn(HeldItem) -> Record + Sync,
    ) -> Result<(Summary, Option<Profile>), Error> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(jobs)
            .thread_name(|number| format!("scan-{number}"))
            .stack_size(STACK)
            .build()
            .map_err(|error| Cause::Threads(error.to_string()))?;
        let (stop, progress, past, broken) = (self.stop, self.progress, self.past, AtomicBool::new(false));
        let read = |bytes| progress.add_bytes(bytes);
        let watch = Watch { read: &read, stop: [stop, &broken], beat: None };
        let ended_by = Mutex::new(None);
        let end = |cause: Cause| {
            broken.store(true, Relaxed);
            lock(&ended_by).get_or_insert(cause);
        };
        let (started, profiled) = (Instant::now(), self.profile.is_on());
        let queue = Queue::new(SHORT * (jobs as u64 - 1).min(MOST_QUEUED));
        let (work, out) = (Mutex::new(work.fuse()), Mutex::new(&mut self));
        let hand_over = |record: &Record| {
            // A sink that panicked may be half-changed: nothing more goes to it.
            let cause = match catch_unwind(AssertUnwindSafe(|| lock(&out).take(record))) {
                Ok(Ok(())) => return ControlFlow::Continue(()),
                Ok(Err(error)) => Cause::Sink(error),
                Err(_) => Cause::Sink(io::Error::other("the sink panicked")),
            };
            end(cause);
            ControlFlow::Break(())
        };
        let examine_held = |held: HeldItem, profile: &mut ThreadProfile| {
            let mut clock = profile.stopwatch();
            clock.group(MEMBER);
            let record = item(held);
            clock.lap(Part::Picture);
            let _ = hand_over(&record);
            clock.lap(Part::Report);
            profile.add(&clock, &record);
        };
        let take_items = |profile: &mut ThreadProfile| {
            while !watch.is_stopped() {
                if let Some(item) = queue.pop() {
                    examine_held(item, profile);
                    continue;
                }
                let mut clock = profile.stopwatch();
                let next = {
                    let mut work = lock(&work);
                    // Before another thread can find that there is no more work, it must see who may make some.
                    catch_unwind(AssertUnwindSafe(|| work.next().map(|work| (work, queue.producer()))))
                };
                let Ok(next) = next else { return end(Cause::Source) };
                clock.lap(Part::List);
                let Some((work, _producer)) = next else {
                    match queue.wait() {
                        Some(Some(item)) => examine_held(item, profile),
                        Some(None) => {}
                        None => return,
                    }
                    continue;
                };
                match work {
                    Work::Done(record) => {
                        clock.lap(Part::Open);
                        let _ = hand_over(&record);
                        clock.lap(Part::Report);
                        profile.add(&clock, &record);
                    }
                    Work::Examine(record, listed) => {
                        let mut place = record.clone();
                        let mut outlet = Shared {
                            queue: &queue,
                            hand_over: &hand_over,
                            past,
                            file: None,
                            last: 0,
                            profile: &mut *profile,
                        };
                        let examined = catch_unwind(AssertUnwindSafe(|| {
                            let _ = file(*record, &listed, watch, &mut clock, &mut outlet);
                        }));
                        if let Err(panic) = examined
                            && outlet.wants(place.unit)
                        {
                            // All that was come across is told, now or before, so that going on waits for it.
                            let before = past.done_in(place.unit.file).into_iter().map(|(member, _)| member);
                            let items = before.fold(outlet.last, u64::max);
                            place.opened =
                                (items > 0).then_some(Opened { kind: "container", members: items, items });
                            place.size = Some(listed.size());
                            let _ = outlet.done(place.panicked(panic.as_ref()));
                        }
                        clock.lap(Part::Report);
                        if let Some(record) = outlet.file.take() {
                            profile.add(&clock, &record);
                        }
                    }
                }
            }
        };
        pool.broadcast(|_| {
            let mut profile = ThreadProfile::new(profiled);
            take_items(&mut profile);
            lock(&out).profile.merge(profile);
        });
        match lock(&ended_by).take() {
            Some(cause) => Err(cause.into()),
            None => {
                self.summary.complete &= !stop.load(Relaxed);
                Ok((self.summary, self.profile.finish(jobs, started.elapsed())))
            }
        }
    }

    fn take(&mut self, record: &Record) -> io::Result<()> {
        self.sink.record(record)?;
        self.summary.add(&Account::new(record));
        self.progress.add(record);
        Ok(())
    }
}

/// Takes what is in a file, of a thread that has others beside it.
struct Shared<'s> {
    queue: &'s Queue,
    hand_over: &'s dyn Fn(&Record) -> ControlFlow<()>,
    past: &'s Past,
    /// The record of the file itself.
    file: Option<Record>,
    /// The highest number of an item in it that was come across: begun, or given away.
    last: u64,
    profile: &'s mut ThreadProfile,
}

impl Outlet for Shared<'_> {
    fn wants(&self, unit: Unit) -> bool {
        !self.past.is_done(unit)
    }

    fn items_if_done(&self, unit: Unit) -> Option<u64> {
        self.past.items_if_done(unit)
    }

    fn done_before(&self, file: u64) -> Vec<(u64, u64)> {
        self.past.done_in(file)
    }

    fn later(&mut self, item: HeldItem) -> Result<(), HeldItem> {
        self.last = self.last.max(item.record.unit.member);
        self.queue.push(item)
    }

    fn begin(&mut self, place: &Record) {
        self.last = self.last.max(place.unit.member);
    }

    fn done(&mut self, record: Record) -> ControlFlow<()> {
        self.last = self.last.max(record.unit.member);
        let flow = (self.hand_over)(&record);
        match record.unit.member {
            0 => self.file = Some(record),
            _ => self.profile.count(MEMBER, &record),
        }
        flow
    }
}

// A panic is caught before it can leave anything half-done behind these locks, but for one of a
// sink, which ends the run.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::{ExactOnly, Outcome};
    use lykta_source::{WalkOptions, walk};

    #[test]
    fn a_panic_costs_one_item() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..20 {
            std::fs::write(dir.path().join(format!("{number:02}")), b"x").unwrap();
        }
        let items = walk(&[dir.path().to_owned()], &WalkOptions::default());
        let past = Past::new(Summary::new(NearMatching::Off, 0));
        let work = Admission::new(items, &Options::default(), &past);
        let (mut records, progress) = (Vec::new(), Progress::default());
        let crew = Crew {
            sink: &mut records,
            progress: &progress,
            stop: &AtomicBool::new(false),
            summary: Summary::new(NearMatching::Off, 0),
            profile: ThreadProfile::new(false),
            past: &past,
        };
        let (summary, _) = crew
            .drive(
                3,
                work,
                |mut record, _, _, _, out| {
                    if record.locator[0].ends_with("07") {
                        // Without the hook, which would write to the output of the tests.
                        std::panic::resume_unwind(Box::new("what happened"));
                    }
                    record.outcome = Outcome::UnmatchedExactOnly(ExactOnly::NotAPicture);
                    out.done(record)
                },
                |item| *item.record,
            )
            .unwrap();
        assert_eq!(summary.seen().items, 20);
        assert_eq!(summary.unexamined(), 1);
        assert_eq!(summary.seen().bytes, 20);
        let failed: Vec<&Record> = records.iter().filter(|record| record.problem.is_some()).collect();
        assert_eq!(failed.len(), 1);
        assert!(failed[0].locator[0].ends_with("07"));
        assert_eq!(failed[0].outcome, Outcome::Failed(Failure::Internal));
        assert_eq!(failed[0].problem.as_ref().unwrap().detail, "what happened");
    }

    /// What a file held that was not examined to its end: all that was come across, whoever has it by then. Else a scan
    /// that is killed takes the file for done while others are not through with it.
    #[test]
    fn a_file_whose_examination_panics_says_what_was_come_across() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), b"x").unwrap();
        let items_told = |past: &Past| {
            let items = walk(&[dir.path().to_owned()], &WalkOptions::default());
            let (mut records, progress) = (Vec::new(), Progress::default());
            let crew = Crew {
                sink: &mut records,
                progress: &progress,
                stop: &AtomicBool::new(false),
                summary: Summary::new(NearMatching::Off, 0),
                profile: ThreadProfile::new(false),
                past,
            };
            let file = |record: Record, _: &_, _: Watch<'_>, _: &mut _, out: &mut dyn Outlet| {
                let member = |member| {
                    let mut place = record.clone();
                    (place.unit.member, place.outcome) = (member, Outcome::Ignored);
                    place
                };
                out.begin(&member(1));
                out.done(member(1))?;
                out.begin(&member(2));
                std::panic::resume_unwind(Box::new("in the second"))
            };
            crew.drive(1, Admission::new(items, &Options::default(), past), file, |item| *item.record)
                .unwrap();
            let file = records.iter().find(|record| record.unit.member == 0).unwrap();
            (file.outcome, file.opened.map(|opened| opened.items))
        };
        let mut past = Past::new(Summary::new(NearMatching::Off, 0));
        assert_eq!(items_told(&past), (Outcome::Failed(Failure::Internal), Some(2)));
        let done = Record::new(vec!["file".to_owned(), "member".to_owned()], None);
        past.add(Unit { file: 0, member: 5, state: 7 }, 0, &Account::new(&done));
        assert_eq!(items_told(&past), (Outcome::Failed(Failure::Internal), Some(5)), "done before");
    }
}
