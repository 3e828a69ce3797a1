//! What must hold for every input, for fuzz targets and the replay of what they found.

use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use crate::container::{Access, Container, ContainerError, Content, Input, Limits, Member, Meter, members};

/// Reads `data` as the container that it seems to be.
///
/// # Panics
/// When a property does not hold: no reader panics, what it hands over lies in the container, as long as it says, and
/// the result does not depend on how the input arrives.
pub fn containers(data: &[u8]) {
    let Some(container) = Container::sniff(&data[..data.len().min(Container::SNIFF_LEN)]) else { return };
    let whole = outcome(container, data, usize::MAX);
    let bytewise = outcome(container, data, 1);
    for (one, other) in whole.members.iter().zip(&bytewise.members) {
        assert_eq!(one, other, "{container:?}: members depend on how the input arrives");
    }
    assert_eq!(whole.members.len(), bytewise.members.len(), "members depend on how the input arrives");
    assert_eq!(whole.ending, bytewise.ending, "the ending depends on how the input arrives");
    for member in &whole.members {
        let is_read = member.error.is_none() && member.skip.is_none();
        assert!(!is_read || member.offset.is_none_or(|offset| offset < data.len() as u64), "{member:?}");
        let is_as_stated = member.size.is_none_or(|size| size == member.bytes.len() as u64);
        assert!(!is_read || is_as_stated, "{member:?}");
    }
    let told = whole.members.iter().filter_map(|member| member.error.as_ref()).chain(&whole.ending);
    for error in told {
        assert!(!error.contains("panicked"), "{error}");
    }
}

/// What is looked at: a few packed bytes can be gigabytes, and reading these takes long without a fault. Less than
/// what may come out of a container whatever its ratio, which depends on how much was read ahead.
const LIMITS: Limits = Limits { nesting: 1, members: 200, bytes: 1 << 20, ratio: 1000, memory: 16 << 20 };

struct Outcome {
    members: Vec<Found>,
    ending: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
struct Found {
    name: Vec<u8>,
    offset: Option<u64>,
    bytes: Vec<u8>,
    size: Option<u64>,
    error: Option<String>,
    skip: Option<String>,
}

fn outcome(container: Container, data: &[u8], step: usize) -> Outcome {
    let meter = Meter::new(LIMITS, data.len() as u64);
    let mut found = Vec::new();
    let mut each = |member: Member<'_>| {
        found.push(read(member, step));
        ControlFlow::Continue(())
    };
    let mut input = Trickle { input: Cursor::new(data), step };
    let input = match container.access() {
        Access::Stream => Input::Stream(&mut input),
        Access::Random => Input::Random(&mut input, data.len() as u64),
        Access::Whole => Input::Whole(data),
    };
    let ending = members(container, input, &meter, &mut each).err().map(|error| error.to_string());
    Outcome { members: found, ending }
}

fn read(member: Member<'_>, step: usize) -> Found {
    let Member { name, offset, content, .. } = member;
    let mut found = Found { name, offset, bytes: Vec::new(), size: None, error: None, skip: None };
    match content {
        Content::Bytes(stream, size) => {
            found.size = size;
            // Another number of bytes than the reader of the input.
            let mut buffer = vec![0; step.clamp(7, 10_000)];
            loop {
                match stream.read(&mut buffer) {
                    Ok(0) => break,
                    Ok(count) => found.bytes.extend_from_slice(&buffer[..count]),
                    Err(error) => {
                        let error = ContainerError::from(error);
                        if matches!(error, ContainerError::Exceeded(_)) {
                            // What was asked for last is lost, and was as long as the question.
                            found.bytes.clear();
                        }
                        found.error = Some(error.to_string());
                        break;
                    }
                }
            }
        }
        Content::Skipped(skip, size) => {
            found.size = Some(size);
            found.skip = Some(format!("{skip:?}"));
        }
        Content::Failed(error) => found.error = Some(error.to_string()),
    }
    found
}

/// At most so many bytes at a time.
struct Trickle<'d> {
    input: Cursor<&'d [u8]>,
    step: usize,
}

impl Read for Trickle<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = buffer.len().min(self.step);
        self.input.read(&mut buffer[..len])
    }
}

impl Seek for Trickle<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.input.seek(to)
    }
}
