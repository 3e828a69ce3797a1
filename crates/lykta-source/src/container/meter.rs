//! What may come out of containers: counted in work, never in time, so that a result does not depend on the machine.

use std::any::Any;
use std::cell::Cell;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{self, AssertUnwindSafe};

use super::{ContainerError, Content, Exceeded, Input, Member, guarded};

/// Bytes that may come out of a container whatever its ratio.
const RATIO_FREE: u64 = 10 << 20;

/// What a reader may take in any case: the usual windows of xz and zstd.
const LEAST_MEMORY: u64 = 8 << 20;

/// What containers may give. A container that would give more is ended: what came out before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Containers inside one another, that in a file counted as 1: [`Limits::MOST_NESTING`] at most.
    pub nesting: u32,
    /// Members of one container.
    pub members: u64,
    /// Bytes of one container.
    pub bytes: u64,
    /// Bytes out of a container for each byte of its own, once 10 MiB have come out. Also of all containers
    /// beneath a file together, for each byte of the file.
    pub ratio: u64,
    /// Bytes that may be held in memory to look into the containers beneath one file; decompressors may take as much
    /// besides, and half of it for each further level.
    pub memory: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { nesting: 16, members: 10_000_000, bytes: 1 << 40, ratio: 1000, memory: 128 << 20 }
    }
}

impl Limits {
    /// The highest `nesting` that a [`Meter`] goes by. Every container in another takes some of the stack, of which a
    /// thread may have no more than 2 MiB.
    pub const MOST_NESTING: u32 = 64;

    /// Whether `bytes` are too many for `of` bytes to give.
    pub(super) fn is_ratio_over(&self, bytes: u64, of: u64) -> bool {
        bytes > RATIO_FREE && bytes / self.ratio.max(1) > of
    }
}

/// Counts what comes out of the containers beneath one file.
#[derive(Debug)]
pub struct Meter {
    limits: Limits,
    /// Bytes of the file.
    len: u64,
    nesting: Cell<u32>,
    /// Bytes out of all containers.
    total: Cell<u64>,
}

/// What one container gave.
struct Given<'m> {
    meter: &'m Meter,
    /// Bytes of the container that are there to be read, or were read.
    taken: Cell<u64>,
    members: Cell<u64>,
    bytes: Cell<u64>,
    exceeded: Cell<Option<Exceeded>>,
    /// What `each` panicked with, which is not the container's fault.
    panic: Cell<Option<Box<dyn Any + Send>>>,
}

type Each<'e> = &'e mut dyn FnMut(Member<'_>) -> ControlFlow<()>;

impl Meter {
    /// A meter for a file of `len` bytes, by these limits with `nesting` lowered to [`Limits::MOST_NESTING`].
    pub fn new(limits: Limits, len: u64) -> Self {
        let limits = Limits { nesting: limits.nesting.min(Limits::MOST_NESTING), ..limits };
        Self { limits, len, nesting: Cell::new(0), total: Cell::new(0) }
    }

    /// The limits.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The limits for the reader of the next container: with each one around it, half the memory, and 8 MiB if there
    /// is as much, so that all readers that are at work at once take no more than some two times the memory.
    pub(super) fn limits_here(&self) -> Limits {
        let Limits { memory, .. } = self.limits;
        let halved = memory.checked_shr(self.nesting.get()).unwrap_or(0);
        Limits { memory: halved.max(memory.min(LEAST_MEMORY)), ..self.limits }
    }

    /// Runs `read` on a container so that nothing that it hands to `each` exceeds the limits.
    pub(super) fn container(
        &self,
        input: Input<'_>,
        read: &mut dyn FnMut(Input<'_>, Each<'_>) -> Result<(), ContainerError>,
        each: Each<'_>,
    ) -> Result<(), ContainerError> {
        if self.nesting.get() >= self.limits.nesting {
            return Err(Exceeded::Nesting(self.limits.nesting).into());
        }
        let given = Given {
            meter: self,
            taken: Cell::new(0),
            members: Cell::new(0),
            bytes: Cell::new(0),
            exceeded: Cell::new(None),
            panic: Cell::new(None),
        };
        let mut each = |member: Member<'_>| given.hand_over(member, each);
        self.nesting.set(self.nesting.get() + 1);
        let result = guarded(|| match input {
            Input::Stream(stream) => {
                read(Input::Stream(&mut Counted { stream, count: &given.taken }), &mut each)
            }
            Input::Random(file, len) => {
                given.taken.set(len);
                read(Input::Random(file, len), &mut each)
            }
            Input::Whole(bytes) => {
                given.taken.set(bytes.len() as u64);
                read(Input::Whole(bytes), &mut each)
            }
        });
        self.nesting.set(self.nesting.get() - 1);
        if let Some(panic) = given.panic.take() {
            panic::resume_unwind(panic);
        }
        match given.exceeded.get() {
            Some(exceeded) => Err(exceeded.into()),
            None => result?,
        }
    }
}

impl Given<'_> {
    fn hand_over(&self, member: Member<'_>, each: Each<'_>) -> ControlFlow<()> {
        self.members.set(self.members.get() + 1);
        if self.members.get() > self.meter.limits.members {
            self.exceeded.set(Some(Exceeded::Members(self.meter.limits.members)));
            return ControlFlow::Break(());
        }
        let Member { name, offset, capture, known, content } = member;
        let flow = panic::catch_unwind(AssertUnwindSafe(|| match content {
            Content::Bytes(stream, size) => {
                let mut stream = Metered { stream, given: self, has_panicked: false };
                let content = Content::Bytes(&mut stream, size);
                each(Member { name, offset, capture, known, content })
            }
            content => each(Member { name, offset, capture, known, content }),
        }));
        let flow = flow.unwrap_or_else(|panic| {
            self.panic.set(Some(panic));
            ControlFlow::Break(())
        });
        if self.exceeded.get().is_some() { ControlFlow::Break(()) } else { flow }
    }

    /// Counts bytes that came out.
    fn add(&self, count: u64) -> Result<(), Exceeded> {
        let Meter { limits, len, total, .. } = self.meter;
        self.bytes.set(self.bytes.get().saturating_add(count));
        total.set(total.get().saturating_add(count));
        let exceeded = if self.bytes.get() > limits.bytes {
            Exceeded::Bytes(limits.bytes)
        } else if limits.is_ratio_over(self.bytes.get(), self.taken.get()) {
            Exceeded::Ratio(limits.ratio)
        } else if limits.is_ratio_over(total.get(), *len) {
            Exceeded::TotalRatio(limits.ratio)
        } else {
            return Ok(());
        };
        self.exceeded.set(Some(exceeded));
        Err(exceeded)
    }
}

/// The bytes of a container, counted as they are taken.
struct Counted<'c> {
    stream: &'c mut dyn Read,
    count: &'c Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.count.set(self.count.get() + count as u64);
        Ok(count)
    }
}

/// The bytes of a member, counted as they come out.
struct Metered<'m> {
    stream: &'m mut dyn Read,
    given: &'m Given<'m>,
    has_panicked: bool,
}

impl Read for Metered<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(exceeded) = self.given.exceeded.get() {
            return Err(ContainerError::from(exceeded).into());
        }
        if self.has_panicked {
            return Err(ContainerError::Damaged("a reader panicked".into()).into());
        }
        let stream = &mut *self.stream;
        let count = guarded(|| stream.read(buffer)).map_err(|error| {
            self.has_panicked = true;
            io::Error::from(error)
        })??;
        self.given.add(count as u64).map_err(|exceeded| io::Error::from(ContainerError::from(exceeded)))?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What readers at each level may take, and whether the next level was refused.
    fn memory(meter: &Meter, levels: &mut Vec<u64>) -> bool {
        levels.push(meter.limits_here().memory);
        let read = &mut |_: Input<'_>, _: Each<'_>| Ok(_ = memory(meter, levels));
        meter.container(Input::Whole(b""), read, &mut |_| ControlFlow::Continue(())).is_err()
    }

    #[test]
    fn readers_within_readers_take_no_more_than_two_times_the_memory() {
        for (all, expected) in
            [(40 << 20, vec![40 << 20, 20 << 20, 10 << 20, 8 << 20, 8 << 20]), (3 << 20, vec![3 << 20; 5])]
        {
            let meter = Meter::new(Limits { memory: all, nesting: 4, ..Limits::default() }, 0);
            let mut levels = Vec::new();
            memory(&meter, &mut levels);
            assert_eq!(levels, expected);
        }
    }
}
