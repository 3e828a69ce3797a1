//! Crawls: WARC 0.17 to 1.1 and ARC, as they are or compressed by gzip, record by record or as a whole.
//!
//! ```text
//! Feed (pieces) --> record::warc, record::arc (heads) --> Block --> http::Message (what is around a body) --> each
//! ```
//!
//! One pass, in 512 KiB of memory whatever the crawl.

mod block;
mod feed;
mod http;
mod record;
#[cfg(test)]
mod tests;

use std::io::Read;
use std::ops::ControlFlow;

use super::inflate::{self, Wrapping};
use super::{Capture, Container, ContainerError, Content, Input, Member, MemberSkip};
use crate::locator::escape;
use block::Block;
use feed::{Fault, Feed};
use http::Message;
use record::{Head, Next};

/// Decompressed bytes that a crawl is known by.
const SNIFF: usize = 64;

/// A crawl, also a compressed one.
pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    let mut out = [0; SNIFF];
    let bytes = if head.starts_with(&inflate::MAGIC) {
        let count = inflate::first_bytes(head, Wrapping::Gzip, &mut out);
        &out[..count]
    } else {
        head
    };
    match bytes {
        _ if record::begins_warc(bytes) => Some(Container::Warc),
        _ if bytes.starts_with(b"filedesc://") => Some(Container::Arc),
        _ => None,
    }
}

pub(super) fn members(
    container: Container,
    input: Input<'_>,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let is_arc = container == Container::Arc;
    let mut input = input.into_stream()?;
    let mut magic = [0; 1];
    let count = input.read(&mut magic)?;
    let is_gzip = magic[..count] == inflate::MAGIC[..1];
    let input = Box::new(std::io::Cursor::new(magic).take(count as u64).chain(input));
    let begins = if is_arc { record::begins_arc } else { record::begins_warc };
    let mut feed = Feed::new(input, is_gzip, begins);
    loop {
        let offset = feed.offset();
        let next = if is_arc { record::arc(&mut feed) } else { record::warc(&mut feed) };
        let flow = match next {
            Ok(Next::Head(head)) => record_members(&mut feed, &head, offset, each)?,
            Ok(Next::Other(count)) => {
                let error = ContainerError::Damaged(format!("{count} bytes are no record"));
                each(damage(offset, error))
            }
            Ok(Next::Nothing) if feed.advance() => ControlFlow::Continue(()),
            Ok(Next::Nothing) => {
                if !feed.mend()? {
                    return Ok(());
                }
                ControlFlow::Continue(())
            }
            Err(Fault { error, is_last: true }) => return Err(error),
            Err(Fault { error, is_last: false }) => {
                let flow = each(damage(offset, error));
                if flow.is_continue() && !feed.mend()? {
                    return Ok(());
                }
                flow
            }
        };
        if flow.is_break() {
            return Ok(());
        }
    }
}

impl From<Fault> for ContainerError {
    fn from(fault: Fault) -> Self {
        fault.error
    }
}

/// What is where a record should be.
fn damage(offset: u64, error: ContainerError) -> Member<'static> {
    let name = format!("damage at {offset}").into_bytes();
    Member { name, offset: Some(offset), capture: None, known: None, content: Content::Failed(error) }
}

/// Hands over what one record has.
fn record_members(
    feed: &mut Feed<'_>,
    head: &Head,
    offset: u64,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, ContainerError> {
    let name = head.name();
    let capture = head.capture();
    let mut hand_over = |content: Content<'_>| {
        let capture = Some(capture.clone());
        each(Member { name: name.clone(), offset: Some(offset), capture, known: None, content })
    };
    let mut block = Block::new(feed, head.len, head.kind == b"request");
    let is_http = head.target.get(..4).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"http"));
    let flow = match &head.kind[..] {
        b"revisit" => {
            let of = if head.refers_to.is_empty() { &head.payload_digest } else { &head.refers_to };
            hand_over(Content::Skipped(MemberSkip::Elsewhere(text(of)), 0))
        }
        _ if head.is_segment || head.kind == b"continuation" => {
            let of = "another record, of which this is a segment".to_owned();
            hand_over(Content::Skipped(MemberSkip::Elsewhere(of), head.len))
        }
        b"response" if is_http => {
            let message = Message::take_head(&mut block);
            body(&message, &mut block, &mut hand_over)
        }
        b"request" if is_http => request(&mut block, &mut hand_over),
        _ => body(&Message::default(), &mut block, &mut hand_over),
    };
    if flow.is_break() {
        return Ok(flow);
    }
    match block.finish() {
        Some(Fault { error, is_last: true }) => Err(error),
        Some(Fault { error, is_last: false }) => Ok(hand_over(Content::Failed(error))),
        None => Ok(flow),
    }
}

/// The head of a request, and its body if it has one.
fn request(
    block: &mut Block<'_, '_>,
    hand_over: &mut dyn FnMut(Content<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let Some(len) = http::head_len(block).filter(|len| (*len as u64) < block.left()) else {
        return body(&Message::default(), block, hand_over);
    };
    let head = block.peek(len)[..len].to_vec();
    hand_over(Content::Bytes(&mut &head[..], Some(len as u64)))?;
    let message = Message::take_head(block);
    body(&message, block, hand_over)
}

fn body(
    message: &Message,
    block: &mut Block<'_, '_>,
    hand_over: &mut dyn FnMut(Content<'_>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    if message.is_coded() {
        hand_over(Content::Bytes(&mut *message.body(block), None))
    } else {
        let len = block.left();
        hand_over(Content::Bytes(block, Some(len)))
    }
}

impl Head {
    fn name(&self) -> Vec<u8> {
        match (&self.kind[..], &self.target[..]) {
            (b"response" | b"resource" | b"conversion" | b"revisit" | b"continuation", uri) => uri.to_vec(),
            (kind, b"") => kind.to_vec(),
            (kind, uri) => [kind, b" ", uri].concat(),
        }
    }

    fn capture(&self) -> Capture {
        Capture {
            target_uri: text(&self.target),
            date: text(&self.date),
            ip: text(&self.ip),
            payload_digest: text(&self.payload_digest),
            record_id: text(&self.record_id),
        }
    }
}

/// As it is; what is no text, escaped.
fn text(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => escape(bytes).into_owned(),
    }
}
