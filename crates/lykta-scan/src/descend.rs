//! Into containers: what lies in what, each an item of its own.
//!
//! ```text
//! a member: its head -> a container that is read front to back: on, digests on the way
//!                    -> a container that is read otherwise: into memory, and on
//!                    -> anything else, short: into memory, for whoever has time
//!                    -> anything else, long: here and now, since what follows comes behind it
//! ```
//!
//! Items are numbered as they are come across, which depends on nothing but the file. A thread waits for the memory
//! of a picture only when it holds none of another, and for [`Heavy`] only when it holds none of pictures, so threads
//! never wait for each other in a circle.

use std::io::{self, Cursor, Read};
use std::ops::{ControlFlow, Range};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use lykta_media::{SNIFF_LEN, sniff};
use lykta_source::container::{
    Access, Container, ContainerError, Content, Exceeded, Input, Member, Meter, Preview, members, previews,
};
use lykta_source::{OpenFile, escape};

use crate::budget::Lender;
use crate::caution::Caution;
use crate::examine::Examiner;
use crate::outcome::{Failure, Skip};
use crate::profile::Stopwatch;
use crate::read::{GivenUp, PIECE, Watch, append, read_rest};
use crate::record::{Opened, PICTURE, Record, Unit};
use crate::tee::Tee;

/// A member up to this many bytes is held in memory for whoever has time, outside of the budget.
pub(crate) const SHORT: u64 = 1 << 20;

/// Bytes of containers that may be held of any file at any time; more than that, of one file at a time.
const LIGHT: u64 = 4 << 20;

/// Where records go, and items that others may examine.
pub(crate) trait Outlet {
    /// Whether an item is to be examined: not if it was before an interrupted scan is gone on with.
    fn wants(&self, unit: Unit) -> bool;

    /// How many items there are in an item of which none is to be examined, and neither is it.
    fn items_if_done(&self, unit: Unit) -> Option<u64>;

    /// Takes an item that anybody may examine, or gives it back.
    fn later(&mut self, item: HeldItem) -> Result<(), HeldItem>;

    /// Takes a record. Breaks when the scan is over.
    fn done(&mut self, record: Record) -> ControlFlow<()>;

    /// Is told that an item is begun, before anything looks at its bytes; of the record only the place is known.
    fn begin(&mut self, _place: &Record) {}

    /// Whether an item needs caution.
    fn caution(&self, _unit: Unit) -> Option<Caution> {
        None
    }

    /// The items of a file that are not to be examined: their numbers within it, each with how many items there are
    /// in it.
    fn done_before(&self, _file: u64) -> Vec<(u64, u64)> {
        Vec::new()
    }
}

/// An item in memory.
pub(crate) struct HeldItem {
    /// Where it is, and nothing else.
    pub(crate) record: Box<Record>,
    pub(crate) bytes: Vec<u8>,
}

/// What only one file at a time may have: much memory for the containers in it.
#[derive(Debug, Default)]
pub(crate) struct Heavy {
    one: Mutex<()>,
    /// Who is asked in a process that shares it with others.
    lender: Option<&'static dyn Lender>,
}

/// Held by the file whose turn it is.
pub(crate) struct HeavyTurn<'h> {
    _one: MutexGuard<'h, ()>,
    lender: Option<&'static dyn Lender>,
}

impl Heavy {
    pub(crate) fn lent(lender: &'static dyn Lender) -> Self {
        Self { lender: Some(lender), ..Self::default() }
    }

    pub(crate) fn take(&self) -> HeavyTurn<'_> {
        let one = self.one.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lender) = self.lender {
            lender.take_heavy();
        }
        HeavyTurn { _one: one, lender: self.lender }
    }
}

impl Drop for HeavyTurn<'_> {
    fn drop(&mut self) {
        if let Some(lender) = self.lender {
            lender.give_heavy();
        }
    }
}

/// The way down through one file.
pub(crate) struct Descent<'s, D> {
    examiner: &'s Examiner<'s, D>,
    meter: &'s Meter,
    watch: Watch<'s>,
    clock: &'s mut Stopwatch,
    out: &'s mut dyn Outlet,
    /// The number of the next member.
    next: u64,
    /// Bytes of containers in memory.
    held: u64,
    heavy: Option<HeavyTurn<'s>>,
}

/// How far a member was read into memory.
enum Filled {
    All,
    More,
    Broken(ContainerError),
}

impl<'s, D: AsRef<[u8]> + Sync> Descent<'s, D> {
    /// At the top of a file.
    pub(crate) fn new(
        examiner: &'s Examiner<'s, D>,
        meter: &'s Meter,
        watch: Watch<'s>,
        clock: &'s mut Stopwatch,
        out: &'s mut dyn Outlet,
    ) -> Self {
        Self { examiner, meter, watch, clock, out, next: 1, held: 0, heavy: None }
    }

    /// Goes through the container that `record` is of, and notes in it what came out. Returns how it ended.
    pub(crate) fn open(
        &mut self,
        record: &mut Record,
        container: Container,
        input: Input<'_>,
    ) -> Result<(), ContainerError> {
        let first = self.next;
        let mut count = 0;
        let place = &*record;
        let ended = members(container, input, self.meter, &mut |member| {
            count += 1;
            self.member(place, member)
        });
        record.opened = Some(Opened { kind: container.name(), members: count, items: self.next - first });
        ended
    }

    /// Goes through the container that a file is, of which `head` was read: its digests into `record`, too. Returns how
    /// the container ended.
    ///
    /// # Errors
    /// When the file cannot be read, or the scan is stopped.
    pub(crate) fn file(
        &mut self,
        record: &mut Record,
        container: Container,
        head: Vec<u8>,
        open: &mut OpenFile,
    ) -> Result<Result<(), ContainerError>, GivenUp> {
        let (watch, size) = (self.watch, open.size());
        let mut digester = self.examiner.digester();
        let ended = match container.access() {
            Access::Stream => {
                let mut rest = Watched { open, watch };
                let mut tee = Tee::new(head, &mut rest, digester, watch, None);
                let ended = self.open(record, container, Input::Stream(&mut tee));
                let drained = tee.drain();
                if watch.is_stopped() {
                    return Err(GivenUp::Skipped(Skip::Stopped, String::new()));
                }
                drained?;
                self.examiner.digested(record, tee.finish().0);
                ended
            }
            Access::Whole if size <= self.meter.limits().memory => {
                if size > LIGHT {
                    self.heavy = Some(self.examiner.heavy.take());
                }
                digester.update(&head);
                let mut bytes = head;
                append(&mut Watched { open, watch }, &mut bytes, size, &mut digester, watch)?;
                self.held = bytes.len() as u64;
                self.examiner.digested(record, digester.finish());
                self.open(record, container, Input::Whole(&bytes))
            }
            access => {
                digester.update(&head);
                read_rest(&mut digester, head, open, watch, self.clock)?;
                self.examiner.digested(record, digester.finish());
                if access == Access::Whole {
                    let most = self.meter.limits().memory;
                    return Ok(Err(Exceeded::Memory { needed: size, most }.into()));
                }
                self.open(record, container, Input::Random(&mut open.anywhere(), size))
            }
        };
        Ok(ended)
    }

    fn member(&mut self, parent: &Record, member: Member<'_>) -> ControlFlow<()> {
        if self.watch.is_stopped() {
            return ControlFlow::Break(());
        }
        let name = match &member.name[..] {
            [] => unpacked_name(parent.locator.last().map_or("", String::as_str)),
            name => escape(name).into_owned(),
        };
        let mut record = place(parent, name, &mut self.next);
        record.offset = member.offset;
        if let Some(capture) = member.capture {
            record.capture = Some(Arc::new(capture));
        }
        match member.content {
            Content::Skipped(skip, size) => {
                record.size = Some(size);
                record.skip(Skip::from(&skip), skip.to_string());
                self.done(record)
            }
            Content::Failed(error) => self.fail(record, error, false),
            Content::Bytes(bytes, size) => {
                self.out.begin(&record);
                self.bytes(record, member.known, bytes, size)
            }
        }
    }

    fn bytes(
        &mut self,
        mut record: Record,
        known: Option<Container>,
        bytes: &mut dyn Read,
        size: Option<u64>,
    ) -> ControlFlow<()> {
        let most = self.examiner.max_item_bytes;
        let is_over = size.is_some_and(|size| size > most);
        let mut rest = AtMost { bytes, left: most, is_over };
        if is_over {
            record.size = size;
            self.fail(record, ContainerError::CutShort, true)?;
        } else {
            self.read(record, known, &mut rest, size)?;
        }
        // What comes behind it is reached only past it.
        match rest.is_over {
            true => pass_over(rest.bytes, self.watch),
            false => ControlFlow::Continue(()),
        }
    }

    fn read(
        &mut self,
        mut record: Record,
        known: Option<Container>,
        rest: &mut AtMost<'_>,
        size: Option<u64>,
    ) -> ControlFlow<()> {
        let mut bytes = Vec::new();
        let filled = self.fill(&mut bytes, rest, PIECE as u64, false);
        let is_picture = sniff(&bytes[..bytes.len().min(SNIFF_LEN)]).is_some();
        let container = known.or_else(|| Container::sniff(&bytes).filter(|_| !is_picture));
        let caution = self.out.caution(record.unit);
        if let Some(caution) = caution.clone().filter(|caution| caution.only_bytes || container.is_some()) {
            let (unit, next) = (record.unit, caution.next);
            let flow = match filled {
                _ if caution.is_left || !self.out.wants(unit) => pass_over(rest, self.watch),
                Filled::Broken(error) => self.fail(record, error, rest.is_over),
                Filled::All | Filled::More => {
                    record.opened = caution.opened(container.map_or(PICTURE, Container::name));
                    let caution = Caution { only_bytes: true, ..caution };
                    self.long(record, bytes, rest, size, Some(&caution), Ok(()))
                }
            };
            // What it had given has its numbers.
            self.next = self.next.max(next);
            return flow;
        }
        match container {
            Some(container) if container.access() == Access::Stream => {
                let broken = if let Filled::Broken(error) = filled { Some(error) } else { None };
                self.streamed(record, container, bytes, rest, broken)
            }
            Some(container) => {
                let most = self.meter.limits().memory.saturating_sub(self.held);
                let filled = match filled {
                    Filled::More => self.fill(&mut bytes, rest, most, true),
                    filled => filled,
                };
                match filled {
                    Filled::All => self.held(record, container, &bytes, Ok(())),
                    Filled::Broken(error) => self.held(record, container, &bytes, Err((error, rest.is_over))),
                    Filled::More => {
                        let needed = size.unwrap_or(0).max(bytes.len() as u64 + self.held);
                        let exceeded = Exceeded::Memory { needed, most: self.meter.limits().memory };
                        self.lighten();
                        self.long(record, bytes, rest, size, None, Err(exceeded.into()))
                    }
                }
            }
            None => {
                if let Some(items) = self.out.items_if_done(record.unit) {
                    self.next += items;
                    return pass_over(rest, self.watch);
                }
                let filled = match filled {
                    Filled::More => self.fill(&mut bytes, rest, SHORT, false),
                    filled => filled,
                };
                match filled {
                    Filled::All => {
                        record.size = Some(bytes.len() as u64);
                        self.short(record, bytes)
                    }
                    Filled::More => self.long(record, bytes, rest, size, caution.as_ref(), Ok(())),
                    Filled::Broken(error) => self.fail(record, error, rest.is_over),
                }
            }
        }
    }

    /// Lets another file have much memory when this one has not.
    fn lighten(&mut self) {
        if self.held <= LIGHT {
            self.heavy = None;
        }
    }

    /// Reads until there are more than `most` bytes. Much of a container is held by one file at a time.
    fn fill(&mut self, bytes: &mut Vec<u8>, rest: &mut dyn Read, most: u64, is_container: bool) -> Filled {
        while bytes.len() as u64 <= most {
            if is_container && self.held + bytes.len() as u64 > LIGHT && self.heavy.is_none() {
                self.heavy = Some(self.examiner.heavy.take());
            }
            let begin = bytes.len();
            let room = (most - begin as u64).saturating_add(1).min(PIECE as u64);
            if self.watch.is_stopped() {
                return Filled::Broken(ContainerError::CutShort);
            }
            match (&mut *rest).take(room).read_to_end(bytes) {
                Ok(0) => return Filled::All,
                Ok(_) => {}
                Err(error) => return Filled::Broken(error.into()),
            }
        }
        Filled::More
    }

    /// A container that is read front to back, `broken` if that ends with its head.
    fn streamed(
        &mut self,
        mut record: Record,
        container: Container,
        head: Vec<u8>,
        rest: &mut AtMost<'_>,
        broken: Option<ContainerError>,
    ) -> ControlFlow<()> {
        let mut tee = Tee::new(head, rest, self.examiner.reported_digester(), self.watch, broken);
        let ended = self.open(&mut record, container, Input::Stream(&mut tee));
        let drained = tee.drain();
        let (digests, size) = tee.finish();
        record.size = Some(size);
        match drained {
            Ok(()) => {
                self.examiner.digested(&mut record, digests);
                self.conclude(record, ended)
            }
            Err(error) => self.fail(record, ended.err().unwrap_or(error), rest.is_over),
        }
    }

    /// A container in memory: all of it, or what was there before an error.
    fn held(
        &mut self,
        mut record: Record,
        container: Container,
        bytes: &[u8],
        filled: Result<(), (ContainerError, bool)>,
    ) -> ControlFlow<()> {
        record.size = Some(bytes.len() as u64);
        self.held += bytes.len() as u64;
        let input = match container.access() {
            Access::Whole => Input::Whole(bytes),
            Access::Random | Access::Stream => Input::Random(&mut Cursor::new(bytes), bytes.len() as u64),
        };
        let ended = self.open(&mut record, container, input);
        self.held -= bytes.len() as u64;
        self.lighten();
        match filled {
            Ok(()) => {
                self.examiner.digested(&mut record, self.examiner.reported_digests(bytes));
                self.conclude(record, ended)
            }
            Err((error, is_over)) => self.fail(record, error, is_over),
        }
    }

    /// An item in memory that is no container, and the pictures within it.
    fn short(&mut self, mut record: Record, bytes: Vec<u8>) -> ControlFlow<()> {
        let previews = find_previews(&mut record, &bytes, &mut self.next);
        // The item is another thread's as soon as it is given away.
        let copies: Vec<HeldItem> = previews
            .into_iter()
            .map(|(preview, range)| HeldItem { record: Box::new(preview), bytes: bytes[range].to_vec() })
            .collect();
        self.later(HeldItem { record: Box::new(record), bytes })?;
        copies.into_iter().try_for_each(|preview| self.later(preview))
    }

    /// An item too long to wait in memory. `refused` where it would have been opened.
    fn long(
        &mut self,
        mut record: Record,
        head: Vec<u8>,
        rest: &mut AtMost<'_>,
        size: Option<u64>,
        caution: Option<&Caution>,
        refused: Result<(), ContainerError>,
    ) -> ControlFlow<()> {
        match self.examiner.long(&mut record, head, rest, size, caution, self.watch, self.clock) {
            Ok(bytes) => {
                let previews = find_previews(&mut record, &bytes, &mut self.next);
                self.conclude(record, refused)?;
                give_previews(previews, &bytes, self.examiner, self.out)
            }
            Err(GivenUp::Failed(..)) if rest.is_over => self.fail(record, ContainerError::CutShort, true),
            Err(given_up) => {
                record.give_up(given_up);
                self.done(record)
            }
        }
    }

    /// The end of an item of which all bytes were read, whatever came of opening it.
    fn conclude(&mut self, mut record: Record, ended: Result<(), ContainerError>) -> ControlFlow<()> {
        self.examiner.ended(&mut record, ended, self.watch);
        self.done(record)
    }

    /// The end of an item of which not all bytes were read.
    fn fail(&mut self, mut record: Record, error: ContainerError, is_over: bool) -> ControlFlow<()> {
        if self.watch.is_stopped() {
            record.skip(Skip::Stopped, String::new());
        } else if is_over {
            let most = self.examiner.max_item_bytes;
            let stated =
                record.size.map_or(format!("more than {most} bytes"), |size| format!("{size} bytes"));
            record.skip(Skip::ItemTooLarge, stated);
        } else {
            record.fail(Failure::from(&error), error.to_string());
        }
        self.done(record)
    }

    fn later(&mut self, item: HeldItem) -> ControlFlow<()> {
        later(item, self.examiner, self.out)
    }

    fn done(&mut self, mut record: Record) -> ControlFlow<()> {
        record.stop_if(self.watch.is_stopped());
        if self.out.wants(record.unit) { self.out.done(record) } else { ControlFlow::Continue(()) }
    }
}

/// Gives an item to whoever has time, else examines it.
pub(crate) fn later<D: AsRef<[u8]> + Sync>(
    item: HeldItem,
    examiner: &Examiner<'_, D>,
    out: &mut dyn Outlet,
) -> ControlFlow<()> {
    if !out.wants(item.record.unit) {
        return ControlFlow::Continue(());
    }
    match out.later(item) {
        Ok(()) => ControlFlow::Continue(()),
        Err(item) => out.done(examiner.item(item, None)),
    }
}

/// The pictures within one, and where they are in its bytes; `next` is the number of the first.
pub(crate) fn find_previews(
    record: &mut Record,
    bytes: &[u8],
    next: &mut u64,
) -> Vec<(Record, Range<usize>)> {
    let found = previews(bytes);
    if !found.is_empty() {
        let members = found.len() as u64;
        record.opened = Some(Opened { kind: PICTURE, members, items: members });
    }
    let places = found.into_iter().map(|Preview { name, range }| {
        let mut preview = place(record, name, next);
        preview.offset = Some(range.start as u64);
        preview.size = Some(range.len() as u64);
        (preview, range)
    });
    places.collect()
}

/// Gives them out, one at a time.
pub(crate) fn give_previews<D: AsRef<[u8]> + Sync>(
    found: Vec<(Record, Range<usize>)>,
    bytes: &[u8],
    examiner: &Examiner<'_, D>,
    out: &mut dyn Outlet,
) -> ControlFlow<()> {
    found.into_iter().try_for_each(|(record, range)| {
        later(HeldItem { record: Box::new(record), bytes: bytes[range].to_vec() }, examiner, out)
    })
}

/// The record of the item with the number `next`, in `parent`.
fn place(parent: &Record, name: String, next: &mut u64) -> Record {
    let locator = parent.locator.iter().cloned().chain([name]).collect();
    let mut record = Record::new(locator, None);
    record.unit = Unit { member: *next, ..parent.unit };
    record.capture = parent.capture.clone();
    *next += 1;
    record
}

/// What a compressed file holds is called like the file, without the ending that says how it is compressed.
fn unpacked_name(packed: &str) -> String {
    const ENDINGS: [(&str, &str); 9] = [
        (".gz", ""),
        (".bz2", ""),
        (".xz", ""),
        (".zst", ""),
        (".tgz", ".tar"),
        (".tbz", ".tar"),
        (".tbz2", ".tar"),
        (".txz", ".tar"),
        (".tzst", ".tar"),
    ];
    let name = packed.rsplit('/').next().unwrap_or(packed);
    let stripped = ENDINGS.iter().find_map(|(ending, instead)| {
        let stem = name.len().checked_sub(ending.len()).filter(|at| name.is_char_boundary(*at))?;
        (stem > 0 && name[stem..].eq_ignore_ascii_case(ending)).then(|| format!("{}{instead}", &name[..stem]))
    });
    stripped.unwrap_or_else(|| "content".to_owned())
}

/// Reads to the end for what comes behind it. How that ends, what it lies in says itself.
fn pass_over(bytes: &mut dyn Read, watch: Watch<'_>) -> ControlFlow<()> {
    while !watch.is_stopped() {
        let passed = io::copy(&mut (&mut *bytes).take(SHORT), &mut io::sink());
        if !passed.is_ok_and(|count| count > 0) {
            return ControlFlow::Continue(());
        }
    }
    ControlFlow::Break(())
}

/// Not more of a member than an item may have.
struct AtMost<'a> {
    bytes: &'a mut dyn Read,
    left: u64,
    is_over: bool,
}

/// A file whose progress is told.
struct Watched<'w> {
    open: &'w mut OpenFile,
    watch: Watch<'w>,
}

impl Read for Watched<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.open.read(buffer)?;
        (self.watch.read)(count as u64);
        Ok(count)
    }
}

impl Read for AtMost<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Not once more: what comes behind the bytes that were refused is not what follows.
        if self.is_over {
            return Err(ContainerError::CutShort.into());
        }
        let count = self.bytes.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(count)
            }
            None => {
                self.is_over = true;
                Err(ContainerError::CutShort.into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unpacked_is_called_as_unpackers_call_it() {
        for (packed, name) in [
            ("/d/a.tar.gz", "a.tar"),
            ("a.TGZ", "a.tar"),
            ("x/photo.jpg.xz", "photo.jpg"),
            (".gz", "content"),
            ("/d/archive", "content"),
            ("é.zst", "é"),
        ] {
            assert_eq!(unpacked_name(packed), name, "{packed}");
        }
    }
}
