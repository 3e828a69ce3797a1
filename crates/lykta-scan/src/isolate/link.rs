//! What goes between a scan and its worker: frames of text, bytes behind them, and descriptors of files.
//!
//! ```text
//! frame:  length of the text, u32 | length of the bytes, u32 | the text, JSON | the bytes
//! ```
//!
//! Both lengths are little-endian and bounded by whoever reads.

use std::io::{self, IoSlice, IoSliceMut, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, recvmsg, sendmsg,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The text of a frame is no longer: a record with all its matches.
const MOST_TEXT: u64 = 256 << 20;

const HEADER: usize = 8;

/// Sends a frame. `patience` is asked each time that the other side takes nothing, and may end it.
pub(crate) fn send(
    stream: &UnixStream,
    message: &impl Serialize,
    bytes: &[u8],
    file: Option<BorrowedFd<'_>>,
    patience: &mut dyn FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let text = serde_json::to_vec(message)?;
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(|_| io::ErrorKind::InvalidInput);
    let mut head = Vec::with_capacity(HEADER + text.len());
    head.extend_from_slice(&length(&text)?.to_le_bytes());
    head.extend_from_slice(&length(bytes)?.to_le_bytes());
    head.extend_from_slice(&text);
    let files: Vec<BorrowedFd<'_>> = file.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut sent = 0;
    while sent < head.len() + bytes.len() {
        let mut control = SendAncillaryBuffer::new(&mut space);
        if sent == 0 && !files.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(&files));
        }
        let parts = match sent.checked_sub(head.len()) {
            None => [IoSlice::new(&head[sent..]), IoSlice::new(bytes)],
            Some(sent) => [IoSlice::new(&bytes[sent..]), IoSlice::new(&[])],
        };
        match sendmsg(stream, &parts, &mut control, send_flags()) {
            Ok(count) => sent += count,
            Err(error) => wait(error.into(), patience)?,
        }
    }
    Ok(())
}

/// A pipe that nobody reads any more is an error and no signal.
fn send_flags() -> SendFlags {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    return SendFlags::NOSIGNAL;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    return SendFlags::empty();
}

fn wait(error: io::Error, patience: &mut dyn FnMut() -> io::Result<()>) -> io::Result<()> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => patience(),
        _ => Err(error),
    }
}

/// Receives frames.
#[derive(Debug)]
pub(crate) struct Receiver {
    stream: UnixStream,
    buffer: Vec<u8>,
    at: usize,
    /// What came with the bytes.
    files: Vec<OwnedFd>,
}

/// A frame that came.
pub(crate) struct Frame<M> {
    pub(crate) message: M,
    pub(crate) bytes: Vec<u8>,
}

impl Receiver {
    pub(crate) fn new(stream: UnixStream) -> Self {
        Self { stream, buffer: Vec::new(), at: 0, files: Vec::new() }
    }

    /// The next frame, with no more bytes behind its text than `most`; none where the other side ended between frames.
    pub(crate) fn receive<M: DeserializeOwned>(
        &mut self,
        most: u64,
        patience: &mut dyn FnMut() -> io::Result<()>,
    ) -> io::Result<Option<Frame<M>>> {
        let Some(header) = self.header(patience)? else { return Ok(None) };
        let [text, bytes] = [0, 4].map(|at| {
            let field: [u8; 4] = std::array::from_fn(|byte| header[at + byte]);
            u64::from(u32::from_le_bytes(field))
        });
        if text > MOST_TEXT || bytes > most {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a message is too long"));
        }
        let text = self.take(text, patience)?;
        let message = serde_json::from_slice(&text)?;
        Ok(Some(Frame { message, bytes: self.take(bytes, patience)? }))
    }

    /// The file that came with the last frame.
    pub(crate) fn file(&mut self) -> Option<OwnedFd> {
        self.files.pop()
    }

    fn header(&mut self, patience: &mut dyn FnMut() -> io::Result<()>) -> io::Result<Option<[u8; HEADER]>> {
        let mut header = [0; HEADER];
        let mut filled = 0;
        while filled < HEADER {
            match self.read(&mut header[filled..]) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) => wait(error, patience)?,
            }
        }
        Ok(Some(header))
    }

    /// So many bytes. Memory grows with what really comes.
    fn take(&mut self, length: u64, patience: &mut dyn FnMut() -> io::Result<()>) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while (bytes.len() as u64) < length {
            let begin = bytes.len();
            let room = (length - begin as u64).min(1 << 20) as usize;
            bytes.resize(begin + room, 0);
            let read = self.read(&mut bytes[begin..]);
            bytes.truncate(begin + read.as_ref().copied().unwrap_or(0));
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) => wait(error, patience)?,
            }
        }
        Ok(bytes)
    }
}

impl Read for Receiver {
    fn read(&mut self, wanted: &mut [u8]) -> io::Result<usize> {
        if self.at == self.buffer.len() {
            if wanted.len() >= 64 << 10 {
                return receive_into(&self.stream, wanted, &mut self.files);
            }
            self.buffer.resize(64 << 10, 0);
            let read = receive_into(&self.stream, &mut self.buffer, &mut self.files);
            self.buffer.truncate(read.as_ref().copied().unwrap_or(0));
            self.at = 0;
            read?;
        }
        let count = wanted.len().min(self.buffer.len() - self.at);
        wanted[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

fn receive_into(stream: &UnixStream, buffer: &mut [u8], files: &mut Vec<OwnedFd>) -> io::Result<usize> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let received =
        recvmsg(stream.as_fd(), &mut [IoSliceMut::new(buffer)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(received) = message {
            // Only one is ever awaited.
            *files = received.take(1).collect();
        }
    }
    Ok(received.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::OwnedFd;

    fn never() -> io::Result<()> {
        Err(io::ErrorKind::TimedOut.into())
    }

    #[test]
    fn a_frame_comes_as_it_was_sent_with_its_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a"), b"content").unwrap();
        let file = File::open(dir.path().join("a")).unwrap();
        let (ours, theirs) = UnixStream::pair().unwrap();
        let long = vec![7; 1 << 20];
        let sender = std::thread::spawn(move || {
            send(&ours, &"first", b"", Some(file.as_fd()), &mut never).unwrap();
            send(&ours, &("second", 2), &long, None, &mut never).unwrap();
        });
        let mut receiver = Receiver::new(theirs);
        let first: Frame<String> = receiver.receive(0, &mut never).unwrap().unwrap();
        assert_eq!((&*first.message, first.bytes.len()), ("first", 0));
        let file: OwnedFd = receiver.file().unwrap();
        assert_eq!(std::io::read_to_string(File::from(file)).unwrap(), "content");
        let second: Frame<(String, u8)> = receiver.receive(1 << 20, &mut never).unwrap().unwrap();
        assert_eq!((second.message.1, second.bytes), (2, vec![7; 1 << 20]));
        assert!(receiver.file().is_none());
        sender.join().unwrap();
        assert!(receiver.receive::<String>(0, &mut never).unwrap().is_none());
    }

    #[test]
    fn lengths_are_bounded_before_anything_is_held() {
        for (header, most) in [([[0xff; 4], [0; 4]].concat(), 0), ([[2, 0, 0, 0], [9, 0, 0, 0]].concat(), 8)]
        {
            let (ours, theirs) = UnixStream::pair().unwrap();
            std::io::Write::write_all(&mut &ours, &header).unwrap();
            let received = Receiver::new(theirs).receive::<String>(most, &mut never);
            assert!(received.is_err_and(|error| error.kind() == io::ErrorKind::InvalidData));
        }
    }
}
