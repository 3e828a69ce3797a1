//! The worker's side.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use lykta_index::Index;
use lykta_media::pdq::{Mode, Views, views_of_file};
use lykta_source::OpenFile;

use super::confine::{confine, renew_time};
use super::link::{Frame, Receiver, send};
use super::wire::{FileJob, FromWorker, PROTOCOL, Setup, ToWorker, WirePicture, WirePlace, WireRecord};
use crate::budget::Lender;
use crate::caution::Caution;
use crate::descend::{HeldItem, Outlet};
use crate::examine::Examiner;
use crate::hashing::PictureHash;
use crate::profile::Stopwatch;
use crate::read::Watch;
use crate::record::{Record, Unit, panic_text};

/// Bytes that an item in memory may have on its way to a worker.
const MOST_BYTES: u64 = u32::MAX as u64;

/// Bytes read, or as many in pieces passed over, after which a worker gives a sign of life.
const STRIDE: u64 = 16 << 20;

/// A worker process, before it is told what to do.
#[derive(Debug, Default)]
pub struct Worker {
    pictures: Option<PictureHash<Views>>,
}

/// Is a worker until the scan that started this process needs none any more. To be called first thing, before there are
/// threads; standard input is the link to the scan.
pub fn worker_main() -> ExitCode {
    Worker::default().run()
}

impl Worker {
    /// One that hashes pictures in another way than [`lykta_media`] does, such as with more decoders.
    #[must_use]
    pub fn with_pictures(self, hash: PictureHash<Views>) -> Self {
        Self { pictures: Some(hash) }
    }

    /// As [`worker_main`].
    pub fn run(self) -> ExitCode {
        // The scan tells of a panic; what a decoder has to say is nothing for a terminal.
        std::panic::set_hook(Box::new(|_| {}));
        let link = io::stdin().as_fd().try_clone_to_owned().map(UnixStream::from).and_then(Link::new);
        let Ok(link) = link else { return ExitCode::FAILURE };
        // For the life of this process.
        let link: &'static Link = Box::leak(Box::new(link));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread().build();
        if pool.is_err() {
            return ExitCode::FAILURE;
        }
        match self.serve(link) {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        }
    }

    fn serve(self, link: &'static Link) -> io::Result<()> {
        let Some(Frame { message: ToWorker::Setup(setup), .. }) = link.receive()? else {
            return Err(io::ErrorKind::InvalidData.into());
        };
        let indexes = match open_indexes(&setup) {
            Ok(indexes) => indexes,
            Err(text) => return link.send(&FromWorker::Refused(text), b""),
        };
        let options = setup.options();
        link.free.store(options.memory / (4 * options.jobs.get() as u64), Relaxed);
        let examiner = Examiner::new(&indexes, &options).lent(link, self.pictures);
        let pictures = self.pictures.unwrap_or(views_of_file);
        match confine(setup.data) {
            Ok(confinement) => link.send(&FromWorker::Ready(confinement), b"")?,
            Err(error) => {
                return link.send(&FromWorker::Refused(format!("limits cannot be set: {error}")), b"");
            }
        }
        while let Some(Frame { message, bytes }) = link.receive()? {
            renew_time(setup.cpu);
            match message {
                ToWorker::File(job) => {
                    let file = link.file()?;
                    examine(&examiner, link, *job, file, setup.cpu)?;
                }
                ToWorker::Item(place, caution) => {
                    let item = HeldItem { record: Box::new(Record::from(*place)), bytes };
                    let record = examiner.item(item, caution.map(Caution::from).as_ref());
                    link.send(&FromWorker::Record(Box::new(WireRecord::from(&record))), b"")?;
                }
                ToWorker::Picture => {
                    let hashed = catch_unwind(|| pictures(&bytes, &options.limits, Mode::Full));
                    let message = match hashed {
                        Ok(hashed) => FromWorker::Picture(match hashed {
                            Ok(picture) => Ok(WirePicture::from(&picture)),
                            Err(error) => Err(error.to_string()),
                        }),
                        Err(panic) => FromWorker::Panicked(panic_text(panic.as_ref())),
                    };
                    link.send(&message, b"")?;
                }
                ToWorker::Setup(_) | ToWorker::Granted => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
        Ok(())
    }
}

fn open_indexes(setup: &Setup) -> Result<Vec<Index>, String> {
    if setup.protocol != PROTOCOL {
        return Err(format!("the worker is {PROTOCOL}, the scan {}", setup.protocol));
    }
    let open = |(path, checksum): &(PathBuf, [u8; 32])| match Index::open(path) {
        Ok(index) if index.checksum() == *checksum => Ok(index),
        Ok(_) => Err("an index is not the one that the scan opened".to_owned()),
        Err(error) => Err(error.to_string()),
    };
    setup.indexes.iter().map(open).collect()
}

fn examine(
    examiner: &Examiner<'_, lykta_index::Mapped>,
    link: &'static Link,
    job: FileJob,
    file: File,
    seconds: u64,
) -> io::Result<()> {
    let record = Record::from(job.place);
    let open = OpenFile::taken_over(file, job.file.into());
    let cautions = job.cautions.into_iter().map(|(member, caution)| (member, caution.into())).collect();
    let mut outlet = ToScan {
        link,
        done: job.done,
        items: job.items.into_iter().collect(),
        cautions,
        broken: None,
        seconds,
    };
    let (never, unsaid, beats) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let say = |least| {
        if unsaid.load(Relaxed) >= least {
            let bytes = unsaid.swap(0, Relaxed);
            beats.store(0, Relaxed);
            renew_time(seconds);
            // When the scan is gone, the next message tells.
            let _ = link.send(&FromWorker::Read(bytes), b"");
        }
    };
    let read = |bytes| {
        unsaid.fetch_add(bytes, Relaxed);
        say(STRIDE);
    };
    let beat = || {
        if beats.fetch_add(1, Relaxed) >= STRIDE / crate::read::PIECE as u64 {
            say(0);
        }
    };
    let watch = Watch { read: &read, stop: [&never, &never], beat: Some(&beat) };
    let mut clock = Stopwatch::off();
    let examined = catch_unwind(AssertUnwindSafe(|| {
        let _ = examiner.opened(record, Ok(open), watch, &mut clock, &mut outlet);
    }));
    say(1);
    match (outlet.broken, examined) {
        (Some(error), _) => Err(error),
        // What was under way has no record, and the scan knows best what that is.
        (None, Err(panic)) => link.send(&FromWorker::Panicked(panic_text(panic.as_ref())), b""),
        (None, Ok(())) => link.send(&FromWorker::Done(clock.group_name().to_owned()), b""),
    }
}

/// Takes what is in a file to the scan.
struct ToScan {
    link: &'static Link,
    done: Vec<(u64, u64)>,
    items: BTreeMap<u64, u64>,
    cautions: Vec<(u64, Caution)>,
    broken: Option<io::Error>,
    seconds: u64,
}

impl ToScan {
    fn tell(&mut self, message: &FromWorker, bytes: &[u8]) -> ControlFlow<()> {
        match self.link.send(message, bytes) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                self.broken = Some(error);
                ControlFlow::Break(())
            }
        }
    }
}

impl Outlet for ToScan {
    fn wants(&self, unit: Unit) -> bool {
        let at = self.done.partition_point(|(first, _)| *first <= unit.member);
        at.checked_sub(1).is_none_or(|at| self.done[at].1 < unit.member)
    }

    fn items_if_done(&self, unit: Unit) -> Option<u64> {
        let items = self.items.get(&unit.member).copied().unwrap_or(0);
        let is_done = |item| !self.wants(Unit { member: unit.member + item, ..unit });
        (0..=items).all(is_done).then_some(items)
    }

    fn later(&mut self, item: HeldItem) -> Result<(), HeldItem> {
        let place = Box::new(WirePlace::from(&*item.record));
        let _ = self.tell(&FromWorker::Later(place), &item.bytes);
        Ok(())
    }

    fn done(&mut self, record: Record) -> ControlFlow<()> {
        self.tell(&FromWorker::Record(Box::new(WireRecord::from(&record))), b"")
    }

    fn begin(&mut self, place: &Record) {
        renew_time(self.seconds);
        if self.wants(place.unit) {
            let _ = self.tell(&FromWorker::Begin(Box::new(place.into())), b"");
        }
    }

    fn caution(&self, unit: Unit) -> Option<Caution> {
        let found = self.cautions.iter().find(|(member, _)| *member == unit.member);
        found.map(|(_, caution)| caution.clone())
    }
}

/// The link to the scan, which also lends memory.
#[derive(Debug)]
struct Link {
    stream: UnixStream,
    receiver: Mutex<Receiver>,
    /// Bytes that nobody is asked for.
    free: AtomicU64,
    /// Bytes that were asked for.
    lent: AtomicU64,
}

impl Link {
    fn new(stream: UnixStream) -> io::Result<Self> {
        let receiver = Mutex::new(Receiver::new(stream.try_clone()?));
        Ok(Self { stream, receiver, free: AtomicU64::new(0), lent: AtomicU64::new(0) })
    }

    fn send(&self, message: &FromWorker, bytes: &[u8]) -> io::Result<()> {
        send(&self.stream, message, bytes, None, &mut || Ok(()))
    }

    fn receive(&self) -> io::Result<Option<Frame<ToWorker>>> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.receive(MOST_BYTES, &mut || Ok(()))
    }

    fn file(&self) -> io::Result<File> {
        let mut receiver = self.receiver.lock().unwrap_or_else(PoisonError::into_inner);
        receiver.file().map(File::from).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Asks, and waits for the answer. Without the scan there is nothing to go on for.
    fn ask(&self, message: &FromWorker) {
        let answer = self.send(message, b"").and_then(|()| self.receive());
        if !matches!(answer, Ok(Some(Frame { message: ToWorker::Granted, .. }))) {
            std::process::exit(1);
        }
    }
}

impl Lender for Link {
    fn take(&self, bytes: u64) {
        if bytes > self.free.load(Relaxed) {
            self.ask(&FromWorker::Memory(bytes));
            self.lent.store(bytes, Relaxed);
        }
    }

    fn keep(&self, bytes: u64) {
        let kept = if bytes > self.free.load(Relaxed) { bytes } else { 0 };
        if self.lent.load(Relaxed) > kept {
            self.lent.store(kept, Relaxed);
            let _ = self.send(&FromWorker::KeepMemory(kept), b"");
        }
    }

    fn take_heavy(&self) {
        self.ask(&FromWorker::Heavy);
    }

    fn give_heavy(&self) {
        let _ = self.send(&FromWorker::GiveHeavy, b"");
    }
}
