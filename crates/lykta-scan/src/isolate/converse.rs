//! The scan's side of a conversation: one file, or one item in memory.

use std::ops::ControlFlow;
use std::os::fd::AsFd;

use lykta_media::Dimensions;
use lykta_media::pdq::PdqHash;
use lykta_source::{FileItem, OpenFile};

use super::file_run::{FileRun, Next, Untrue};
use super::link::Frame;
use super::pool::{Broken, Pool, Process};
use super::wire::{FromWorker, ToWorker, WireCaution, WirePlace};
use crate::budget::{Budget, Share};
use crate::caution::Caution;
use crate::descend::{Heavy, HeavyTurn, HeldItem, Outlet};
use crate::entry_set::EntrySet;
use crate::outcome::{Failure, Skip};
use crate::profile::Stopwatch;
use crate::read::Watch;
use crate::record::Record;

/// What all workers share, and the scan looks after.
#[derive(Clone, Copy)]
pub(crate) struct Common<'c> {
    pub(crate) pool: &'c Pool,
    pub(crate) budget: &'c Budget,
    pub(crate) heavy: &'c Heavy,
    pub(crate) disputed: &'c EntrySet,
}

/// What a worker was granted.
#[derive(Default)]
struct Granted<'c> {
    memory: Option<Share<'c>>,
    heavy: Option<HeavyTurn<'c>>,
}

impl From<Untrue> for Broken {
    fn from(_: Untrue) -> Self {
        Self::Untrue
    }
}

impl<'c> Common<'c> {
    /// Has a file examined, and what it contains; `record` says where it is.
    pub(crate) fn file(
        self,
        mut record: Record,
        listed: &FileItem,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> ControlFlow<()> {
        let mut open = match listed.open() {
            Ok(open) => open,
            Err(error) => {
                record.give_up(error.into());
                return if out.wants(record.unit) { out.done(record) } else { ControlFlow::Continue(()) };
            }
        };
        let done = out.done_before(record.unit.file);
        let mut run = FileRun::new(record, &open, done);
        loop {
            let mut worker = match self.pool.take() {
                Ok(worker) => worker,
                Err(error) => {
                    let detail = format!("no worker can be started: {error}");
                    let left = run.fail(Failure::Internal, &detail);
                    return left.into_iter().try_for_each(|record| out.done(record));
                }
            };
            let broken = match self.examine(&mut worker, &mut run, &mut open, watch, clock, out) {
                Ok(()) => {
                    self.pool.give_back(worker);
                    return ControlFlow::Continue(());
                }
                Err(Broken::Stopped) => {
                    run.under_way().into_iter().try_for_each(|mut place| {
                        place.skip(Skip::Stopped, String::new());
                        out.done(place)
                    })?;
                    return ControlFlow::Break(());
                }
                Err(broken) => broken,
            };
            let (death, detail) = self.pool.bury(worker, &broken);
            match run.died(death, detail) {
                Next::GoOn(records) => records.into_iter().try_for_each(|record| out.done(record))?,
                Next::End(records) => return records.into_iter().try_for_each(|record| out.done(record)),
            }
        }
    }

    fn examine(
        self,
        worker: &mut Process,
        run: &mut FileRun,
        open: &mut OpenFile,
        watch: Watch<'_>,
        clock: &mut Stopwatch,
        out: &mut dyn Outlet,
    ) -> Result<(), Broken> {
        let is_stopped = || watch.is_stopped();
        // What cannot go back to its start is found out where it is read.
        let _ = open.rewind();
        let job = ToWorker::File(Box::new(run.job(open)));
        worker.send(&job, b"", Some(open.as_fd()), &mut self.pool.patience(&is_stopped))?;
        let mut granted = Granted::default();
        loop {
            let mut patience = self.pool.patience(&is_stopped);
            let Frame { message, bytes } = worker.receive(self.pool.most_bytes, &mut patience)?;
            let flow = match message {
                FromWorker::Begin(place) => {
                    run.begin(*place)?;
                    ControlFlow::Continue(())
                }
                // Whoever examines it may wait for this very memory.
                FromWorker::Later(_) if granted.memory.is_some() => return Err(Broken::Untrue),
                FromWorker::Later(place) => {
                    let item = HeldItem { record: Box::new(run.later(*place)?), bytes };
                    match out.later(item) {
                        Ok(()) => ControlFlow::Continue(()),
                        Err(item) => out.done(self.item(item)),
                    }
                }
                FromWorker::Record(record) => out.done(self.told(run.record(*record)?)),
                FromWorker::Read(bytes) => {
                    (watch.read)(run.read(bytes));
                    ControlFlow::Continue(())
                }
                FromWorker::Panicked(text) => return Err(Broken::Panicked(text)),
                FromWorker::Done(_) if run.is_done() => {
                    clock.lap(crate::profile::Part::Picture);
                    return Ok(());
                }
                other => {
                    self.grant(worker, other, &mut granted, &is_stopped)?;
                    ControlFlow::Continue(())
                }
            };
            if flow.is_break() {
                return Err(Broken::Stopped);
            }
        }
    }

    /// Has an item in memory examined. A worker that ends costs this one.
    pub(crate) fn item(self, item: HeldItem) -> Record {
        let HeldItem { record: place, bytes } = item;
        let mut caution: Option<Caution> = None;
        loop {
            let mut failed = Record::clone(&place);
            let mut worker = match self.pool.take() {
                Ok(worker) => worker,
                Err(error) => {
                    failed.fail(Failure::Internal, format!("no worker can be started: {error}"));
                    return failed;
                }
            };
            let broken = match self.examine_item(&mut worker, &place, &bytes, caution.as_ref()) {
                Ok(record) => {
                    self.pool.give_back(worker);
                    return record;
                }
                Err(broken) => broken,
            };
            let (death, detail) = self.pool.bury(worker, &broken);
            if caution.is_some() {
                failed.fail(Failure::Worker(death), detail);
                return failed;
            }
            caution = Some(Caution {
                death,
                detail,
                only_bytes: false,
                is_left: false,
                next: 0,
                members: 0,
                items: 0,
            });
        }
    }

    fn examine_item(
        self,
        worker: &mut Process,
        place: &Record,
        bytes: &[u8],
        caution: Option<&Caution>,
    ) -> Result<Record, Broken> {
        let never = || false;
        let caution = caution.map(WireCaution::from);
        let job = ToWorker::Item(Box::new(WirePlace::from(place)), caution);
        worker.send(&job, bytes, None, &mut self.pool.patience(&never))?;
        let mut granted = Granted::default();
        loop {
            let Frame { message, .. } = worker.receive(0, &mut self.pool.patience(&never))?;
            match message {
                FromWorker::Record(record) => {
                    let mut record = record.into_record().ok_or(Broken::Untrue)?;
                    if record.unit != place.unit {
                        return Err(Broken::Untrue);
                    }
                    (record.locator, record.size) = (place.locator.clone(), place.size);
                    (record.offset, record.capture) = (place.offset, place.capture.clone());
                    // A picture within says nothing about what lies in it: that was told where it was found.
                    record.opened = place.opened;
                    record.access_time_at_risk = place.access_time_at_risk;
                    return Ok(self.told(record));
                }
                // There is no container here to ask for, and the turn may be that of the file that it lies in.
                FromWorker::Heavy => return Err(Broken::Untrue),
                other => self.grant(worker, other, &mut granted, &never)?,
            }
        }
    }

    /// Has a picture in memory hashed.
    ///
    /// # Errors
    /// Why there is no hash. A worker that ends is one reason.
    pub(crate) fn picture(self, bytes: &[u8]) -> Result<(PdqHash, Dimensions), String> {
        let mut worker = self.pool.take().map_err(|error| format!("no worker can be started: {error}"))?;
        match self.hash_picture(&mut worker, bytes) {
            Ok(hashed) => {
                self.pool.give_back(worker);
                hashed
            }
            Err(broken) => {
                let (death, detail) = self.pool.bury(worker, &broken);
                Err(format!("{}: {detail}", death.name()))
            }
        }
    }

    fn hash_picture(
        self,
        worker: &mut Process,
        bytes: &[u8],
    ) -> Result<Result<(PdqHash, Dimensions), String>, Broken> {
        let never = || false;
        worker.send(&ToWorker::Picture, bytes, None, &mut self.pool.patience(&never))?;
        match worker.receive(0, &mut self.pool.patience(&never))?.message {
            FromWorker::Picture(Ok(picture)) => Ok(Ok(picture.into_hash().ok_or(Broken::Untrue)?)),
            FromWorker::Picture(Err(error)) => Ok(Err(error)),
            FromWorker::Panicked(text) => Err(Broken::Panicked(text)),
            _ => Err(Broken::Untrue),
        }
    }

    /// Answers a wish, if it is one.
    fn grant(
        self,
        worker: &Process,
        wish: FromWorker,
        granted: &mut Granted<'c>,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<(), Broken> {
        match wish {
            FromWorker::Memory(bytes) if bytes <= self.budget.total() => {
                // Nobody waits who holds something.
                granted.memory = None;
                granted.memory = Some(self.budget.take(bytes));
            }
            FromWorker::Heavy => {
                if granted.memory.is_some() || granted.heavy.is_some() {
                    return Err(Broken::Untrue);
                }
                granted.heavy = Some(self.heavy.take());
            }
            FromWorker::KeepMemory(0) => {
                granted.memory = None;
                return Ok(());
            }
            FromWorker::KeepMemory(bytes) => {
                granted.memory.iter_mut().for_each(|share| share.shrink_to(bytes));
                return Ok(());
            }
            FromWorker::GiveHeavy => {
                granted.heavy = None;
                return Ok(());
            }
            _ => return Err(Broken::Untrue),
        }
        worker.grant(&mut self.pool.patience(is_stopped))
    }

    /// Adds to a record what workers are not told.
    fn told(self, mut record: Record) -> Record {
        for found in &mut record.matches {
            found.disputed = self.disputed.contains(&found.list, &found.entry);
        }
        record
    }
}
