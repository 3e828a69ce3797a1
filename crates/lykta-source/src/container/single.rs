//! One file, compressed: gzip, bzip2, xz, zstd.

use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use flate2::bufread::MultiGzDecoder;

use super::{Container, ContainerError, Content, Input, Member};

pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(Container::Gzip),
        _ => None,
    }
}

pub(super) fn members(
    _container: Container,
    input: Input<'_>,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let mut stream = input.into_stream()?;
    let mut content = MultiGzDecoder::new(BufReader::new(&mut stream));
    let content: &mut dyn Read = &mut content;
    let _ = each(Member { content: Content::Bytes(content, None), ..Member::unnamed() });
    Ok(())
}
