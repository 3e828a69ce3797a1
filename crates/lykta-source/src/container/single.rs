//! One file, compressed: gzip, bzip2, xz, zstd.

use std::ops::ControlFlow;

use super::{Container, ContainerError, Content, Input, Limits, Member, decoder};

pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Container::Gzip),
        // A block, or the end of a stream without any.
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, 0x53, 0x59, ..]
        | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, 0x50, 0x90, ..] => Some(Container::Bzip2),
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some(Container::Xz),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(Container::Zstd),
        _ => None,
    }
}

pub(super) fn members(
    container: Container,
    input: Input<'_>,
    limits: &Limits,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let mut content = decoder(container, input.into_stream()?, limits);
    let _ = each(Member { content: Content::Bytes(&mut content, None), ..Member::unnamed() });
    Ok(())
}
