//! Who panics, and who gets to know.

mod common;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use common::{gzip, noise, read};
use lykta_source::container::{Container, ContainerError, Content, Input, Limits, Member, Meter, members};

/// Stands for a decoder with a fault.
struct Panicking<'b>(&'b [u8]);

impl Read for Panicking<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => panic!("a fault of a decoder"),
            count => Ok(count),
        }
    }
}

#[test]
fn a_panic_of_a_reader_is_damage() {
    let meter = Meter::new(Limits::default(), 100_000);
    let packed = gzip(&noise(100_000, 1));
    let mut found = Vec::new();
    let mut each = |member: Member<'_>| {
        let Content::Bytes(stream, _) = member.content else { panic!() };
        let mut bytes = Vec::new();
        let error = ContainerError::from(stream.read_to_end(&mut bytes).unwrap_err());
        let again = ContainerError::from(stream.read(&mut [0; 10]).unwrap_err());
        found.push((bytes.len(), error.to_string(), again.name()));
        ControlFlow::Continue(())
    };
    let mut input = Panicking(&packed[..packed.len() / 2]);
    members(Container::Gzip, Input::Stream(&mut input), &meter, &mut each).unwrap();
    assert!(found[0].0 > 1000, "{found:?}");
    assert_eq!(found[0].1, "is damaged: a reader panicked: a fault of a decoder");
    assert_eq!(found[0].2, "container is damaged");
    // Between the members, too.
    let mut each = |_: Member<'_>| ControlFlow::Continue(());
    let mut input = Panicking(&[0; 512]);
    let ending = members(Container::Tar, Input::Stream(&mut input), &meter, &mut each);
    assert!(matches!(ending, Err(ContainerError::Damaged(_))), "{ending:?}");
    // And whoever comes later may go as deep as before.
    for _ in 0..100 {
        let mut input = Panicking(&[]);
        let ending = members(Container::Tar, Input::Stream(&mut input), &meter, &mut each);
        assert!(matches!(ending, Err(ContainerError::Damaged(_))), "{ending:?}");
    }
}

#[test]
fn a_panic_of_the_caller_is_the_callers() {
    let meter = Meter::new(Limits::default(), 100);
    let packed = gzip(b"text");
    let panic = catch_unwind(AssertUnwindSafe(|| {
        let mut input = &packed[..];
        let mut each = |member: Member<'_>| {
            read(member);
            panic!("the caller's own")
        };
        let _ = members(Container::Gzip, Input::Stream(&mut input), &meter, &mut each);
    }));
    assert_eq!(panic.unwrap_err().downcast_ref(), Some(&"the caller's own"));
}
