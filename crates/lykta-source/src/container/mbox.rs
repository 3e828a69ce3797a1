//! Mailboxes of one file: messages one behind the other, each behind a line that begins with `From `.
//!
//! Such a line is a separator behind an empty line, or at the beginning, if there is a time of day in it. What mailers
//! make of lines in messages that look the same (`>From `) is left as it is: of the four customs nothing says which
//! one a file follows, and so a message is bytes of the file as they are.

use std::io::{self, Read};
use std::ops::ControlFlow;

use super::{Container, ContainerError, Content, Input, Member, mail};

const SEPARATOR: &[u8] = b"From ";
/// A separator behind the line end of the line before.
const LINE_AND_SEPARATOR: &[u8] = b"\nFrom ";
/// Bytes of a separator, with its line end.
const MOST_LINE: usize = 1024;
const BUFFER: usize = 128 << 10;
/// Bytes held back, in which a separator may begin: an empty line, and `From `.
const HELD: usize = 8;

pub(super) fn sniff(head: &[u8]) -> Option<Container> {
    let end = memchr::memchr(b'\n', &head[..head.len().min(MOST_LINE)])?;
    (is_separator(&head[..end]) && mail::is_mail(&head[end + 1..], 2)).then_some(Container::Mbox)
}

/// Whether a line, without its line end, stands before a message.
fn is_separator(line: &[u8]) -> bool {
    let is_time =
        |window: &[u8]| window[2] == b':' && [0, 1, 3, 4].iter().all(|k| window[*k].is_ascii_digit());
    line.starts_with(SEPARATOR) && line.windows(5).any(is_time)
}

pub(super) fn members(
    input: Input<'_>,
    each: &mut dyn FnMut(Member<'_>) -> ControlFlow<()>,
) -> Result<(), ContainerError> {
    let mut mbox = Mbox {
        input: input.into_stream()?,
        buffer: vec![0; BUFFER].into(),
        at: 0,
        len: 0,
        offset: 0,
        ready: 0,
        is_end: false,
        is_start: true,
        ended: false,
        is_broken: false,
    };
    for number in 1u64.. {
        let Some(offset) = mbox.take_separator()? else { break };
        let name = format!("message {number}").into_bytes();
        let content = Content::Bytes(&mut mbox, None);
        let member =
            Member { name, offset: Some(offset), capture: None, known: Some(Container::Mail), content };
        if each(member).is_break() {
            break;
        }
        // What was told the reader of the message is not told again.
        if mbox.is_broken {
            break;
        }
        while let count @ 1.. = mbox.more()? {
            mbox.pass(count);
        }
    }
    Ok(())
}

struct Mbox<'i> {
    input: Box<dyn Read + 'i>,
    buffer: Box<[u8]>,
    at: usize,
    len: usize,
    /// Of the byte at `at`.
    offset: u64,
    /// Bytes from `at` on that are known to be of this message.
    ready: usize,
    /// The message ends behind those.
    is_end: bool,
    /// Nothing of the message was taken yet.
    is_start: bool,
    ended: bool,
    is_broken: bool,
}

impl Mbox<'_> {
    fn pass(&mut self, count: usize) {
        self.at += count;
        self.offset += count as u64;
        self.ready = self.ready.saturating_sub(count);
        self.is_start &= count == 0;
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at > 0 && self.len == BUFFER {
            self.buffer.copy_within(self.at..self.len, 0);
            (self.at, self.len) = (0, self.len - self.at);
        }
        loop {
            match self.input.read(&mut self.buffer[self.len..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.len += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    (self.is_broken, self.ended) = (true, true);
                    return Err(error);
                }
            }
            return Ok(());
        }
    }

    /// Takes the line before a message, with empty ones before it: where it is. None at the end.
    fn take_separator(&mut self) -> io::Result<Option<u64>> {
        loop {
            while !self.ended && self.len - self.at < MOST_LINE {
                self.fill()?;
            }
            let bytes = &self.buffer[self.at..self.len];
            let empty = bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            if empty > 0 && !bytes[empty..].starts_with(SEPARATOR) || bytes.is_empty() {
                return Ok(None);
            }
            if empty == 0 {
                let count = memchr::memchr(b'\n', bytes).map_or(bytes.len(), |end| end + 1);
                let offset = self.offset;
                self.pass(count);
                (self.is_start, self.is_end, self.ready) = (true, false, 0);
                return Ok(Some(offset));
            }
            self.pass(empty);
        }
    }

    /// Bytes of this message that are at hand; none at its end.
    fn more(&mut self) -> io::Result<usize> {
        while self.ready == 0 && !self.is_end {
            (self.ready, self.is_end) = self.look();
            if self.ready == 0 && !self.is_end {
                self.fill()?;
            }
        }
        Ok(self.ready)
    }

    /// Bytes from `at` on that are of this message, and whether it ends behind them.
    fn look(&self) -> (usize, bool) {
        let bytes = &self.buffer[self.at..self.len];
        let mut from = 0;
        while let Some(found) = memchr::memmem::find(&bytes[from..], LINE_AND_SEPARATOR) {
            let at = from + found;
            // The empty line before is no part of the message, but the line end before that is.
            let empty = if bytes[..at].ends_with(b"\r") { at - 1 } else { at };
            let is_behind_empty = bytes[..empty].ends_with(b"\n") || empty == 0 && self.is_start;
            if is_behind_empty {
                let line = &bytes[at + 1..(at + 1 + MOST_LINE).min(bytes.len())];
                match memchr::memchr(b'\n', line) {
                    Some(end) if is_separator(&line[..end]) => return (empty, true),
                    // By the line end before it the empty line is known again.
                    None if line.len() < MOST_LINE && !self.ended => {
                        return (empty.saturating_sub(1), false);
                    }
                    None if line.len() < MOST_LINE && is_separator(line) => return (empty, true),
                    _ => {}
                }
            }
            from = at + 1;
        }
        if self.ended { (bytes.len(), true) } else { (bytes.len().saturating_sub(HELD), false) }
    }
}

impl Read for Mbox<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.more()?.min(buffer.len());
        buffer[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.pass(count);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::testing::{all, all_by, is_sturdy, noise, whole};
    use super::*;

    const FROM: &str = "From a@example Fri Jul  8 12:08:34 2011";

    fn boxed(messages: &[String], end: &str) -> Vec<u8> {
        messages.iter().map(|message| format!("{FROM}{end}{message}{end}")).collect::<String>().into_bytes()
    }

    fn messages(end: &str) -> Vec<String> {
        let long: String = noise(5, 300_000).iter().map(|byte| format!("{byte:02x}")).collect();
        let more = [
            "text\nFrom me 10:00, not behind an empty line\n\nFrom here on there is no time\n\n>From x 10:00\n",
            &format!("{long}\n"),
            "",
            "\n\n\n",
            "last\n",
        ];
        more.iter()
            .enumerate()
            .map(|(k, body)| format!("From: {k}@example\nSubject: x\n\n{body}").replace('\n', end))
            .collect()
    }

    #[test]
    fn messages_are_bytes_of_the_file() {
        for end in ["\n", "\r\n"] {
            let messages = messages(end);
            let mut bytes = boxed(&messages, end);
            // Behind the last, an empty line would be part of it: nothing says that it is not.
            bytes.truncate(bytes.len() - end.len());
            let found = whole(Container::Mbox, &bytes);
            assert_eq!(found.len(), messages.len());
            for (k, (got, message)) in found.iter().zip(&messages).enumerate() {
                assert_eq!(got.name, format!("message {}", k + 1));
                assert!(message.starts_with(str::from_utf8(&got.bytes).unwrap()), "{k}");
                // Empty lines at the end of a message are those before the separator.
                let lost = &message.as_bytes()[got.bytes.len()..];
                assert!(
                    lost.trim_ascii().is_empty() && (k >= 3 || lost.is_empty() || k == 2),
                    "{k}: {lost:?}"
                );
                assert!(bytes[got.offset.unwrap() as usize..].starts_with(FROM.as_bytes()));
                assert_eq!((got.known, &got.end), (Some(Container::Mail), &None));
            }
            assert_eq!(all_by(Container::Mbox, &bytes, 1).0, found);
        }
    }

    #[test]
    fn a_separator_alone_is_an_empty_message() {
        let (found, error) = all(Container::Mbox, format!("{FROM}\n\n{FROM}\n\n{FROM}").as_bytes());
        assert_eq!((found.len(), error), (3, None));
        assert!(found.iter().all(|got| got.bytes.is_empty()));
    }

    #[test]
    fn other_texts_are_no_mailbox() {
        for text in [
            "From here to there\nFrom: a\nTo: b\n",
            "From x 10:00\ntext\n",
            "From a 10:00:00\n\nFrom: a\nTo: b\n",
        ] {
            assert_eq!(Container::sniff(text.as_bytes()), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]

        #[test]
        fn spoiled_mailboxes_end(
            cut in 0usize..1500,
            spoiled in prop::collection::vec((0usize..1500, any::<u8>()), 0..20),
        ) {
            let mut messages = messages("\n");
            messages.remove(1);
            is_sturdy(Container::Mbox, &boxed(&messages, "\n"), cut, &spoiled);
        }
    }
}
