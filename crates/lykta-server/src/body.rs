//! Reading bodies: each within its limit, and all of them within the memory that bodies may take.
//!
//! Nobody can take all of that memory: a client has a share of it, and short bodies, those of hashes, do not wait for
//! the room of files.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;
use crate::problem::Problem;

/// Bytes that one permit stands for.
const UNIT: u64 = 1024;

/// Bytes of a body that is short.
const SHORT: u64 = 128 << 10;

/// The memory that short bodies may take, all together.
const SHORT_BODIES: u64 = 16 << 20;

/// Of so many clients each has a share that no other can take.
const MOST_SHARES: u64 = 8;

/// What is read of a body that is refused, so that whoever still sends it comes to read why.
const DRAINED_BYTES: u64 = 64 << 20;
const DRAINED_TIME: Duration = Duration::from_secs(1);

/// Memory that bodies may take: of all clients, or of one.
pub(crate) struct Room {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// A body, with its share of that memory.
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    pub(crate) share: Share,
}

/// What a body has of the memory of its client, and of all.
pub(crate) struct Share {
    permits: [OwnedSemaphorePermit; 2],
}

impl Room {
    /// All that there is.
    pub(crate) fn of_all(limits: &Limits) -> Self {
        Self::new(SHORT_BODIES, limits.bodies_bytes)
    }

    /// What one client may have of it: its share, but room for one body at least.
    pub(crate) fn of_one(limits: &Limits, clients: usize) -> Self {
        let shares = (clients as u64).clamp(1, MOST_SHARES);
        Self::new(SHORT_BODIES / shares, (limits.bodies_bytes / shares).max(limits.body_bytes))
    }

    fn new(short: u64, long: u64) -> Self {
        let permits = |bytes: u64| {
            let units = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)))
        };
        Self { short: permits(short), long: permits(long) }
    }

    fn take(&self, is_short: bool, bytes: u64) -> Result<OwnedSemaphorePermit, Problem> {
        let room = if is_short { &self.short } else { &self.long };
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Arc::clone(room).try_acquire_many_owned(units).map_err(|_| Problem::busy())
    }

    /// Reads a body of at most `most` bytes for a client who has `own` room. Nothing is read before there is room for
    /// it: for all that its headers say, or, if they do not, for more and more as it comes.
    pub(crate) async fn read(
        &self,
        own: &Self,
        headers: &HeaderMap,
        body: Body,
        most: u64,
    ) -> Result<Read, Problem> {
        let mut body = pin!(body);
        let read = self.read_wanted(own, headers, body.as_mut(), most).await;
        if read.is_err() {
            drain(headers, body).await;
        }
        read
    }

    /// The same, and what is refused is left where it is.
    pub(crate) async fn read_wanted(
        &self,
        own: &Self,
        headers: &HeaderMap,
        mut body: Pin<&mut Body>,
        most: u64,
    ) -> Result<Read, Problem> {
        must_be_as_it_is(headers)?;
        let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|stated| stated > most) {
            return Err(Problem::too_large(most));
        }
        let is_short = stated.unwrap_or(most) <= SHORT;
        let take = |bytes| {
            Ok::<_, Problem>(Share { permits: [own.take(is_short, bytes)?, self.take(is_short, bytes)?] })
        };
        let mut room = stated.unwrap_or(SHORT.min(most));
        let mut share = take(room)?;
        // What came is copied together at once: kept as it came, a body of many small pieces would take many times its
        // length.
        let mut bytes = Vec::with_capacity(usize::try_from(room).unwrap_or_default());
        while let Some(frame) = body.as_mut().frame().await {
            let ended = "the body ended before its end, or is not encoded as HTTP says";
            let Ok(piece) = frame.map_err(|_| Problem::bad_request(ended))?.into_data() else { continue };
            let length = bytes.len() as u64 + piece.len() as u64;
            if length > most {
                return Err(Problem::too_large(most));
            }
            if length > room {
                let more = length.max(2 * room).min(most) - room;
                share.add(take(more)?);
                room += more;
            }
            bytes.extend_from_slice(&piece);
        }
        Ok(Read { bytes: bytes.into(), share })
    }
}

impl Share {
    fn add(&mut self, more: Self) {
        self.permits.iter_mut().zip(more.permits).for_each(|(permit, more)| permit.merge(more));
    }
}

/// Reads what is left of a body that is refused, within limits: a connection that is closed while its client still sends
/// looks broken to it, and the answer is lost. Whoever waits to be told to send has not sent it.
pub(crate) async fn drain(headers: &HeaderMap, mut body: Pin<&mut Body>) {
    if headers.contains_key(EXPECT) {
        return;
    }
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(frame)) = body.as_mut().frame().await {
            bytes += frame.data_ref().map_or(0, |piece| piece.len() as u64);
            if bytes > DRAINED_BYTES {
                break;
            }
        }
    };
    let _ = tokio::time::timeout(DRAINED_TIME, read).await;
}

/// Compressed bytes are not the file, and comparing them would be no answer.
fn must_be_as_it_is(headers: &HeaderMap) -> Result<(), Problem> {
    match is_as_it_is(headers) {
        true => Ok(()),
        false => {
            let detail = "send the body without Content-Encoding, and with no Transfer-Encoding but chunked: it is \
                          compared as it is";
            Err(Problem::media_type(detail))
        }
    }
}

/// Whether what comes is the bytes themselves.
pub(crate) fn is_as_it_is(headers: &HeaderMap) -> bool {
    is_only(headers, &CONTENT_ENCODING, "identity") && is_only(headers, &TRANSFER_ENCODING, "chunked")
}

/// Whether a header says nothing but a word, once, if it is there at all.
fn is_only(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let mut values = headers.get_all(name).iter();
    let is_word = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(word.as_bytes());
    values.next().is_none_or(|value| value.is_empty() || is_word(value)) && values.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::{Context, Poll};

    use axum::body::HttpBody;
    use hyper::body::Frame;

    /// A body of pieces of a byte each, which counts those that are kept.
    struct Pieces {
        left: usize,
        kept: Arc<AtomicUsize>,
        most_kept: Arc<AtomicUsize>,
    }

    struct Piece(Arc<AtomicUsize>);

    impl AsRef<[u8]> for Piece {
        fn as_ref(&self) -> &[u8] {
            b"a"
        }
    }

    impl Drop for Piece {
        fn drop(&mut self) {
            self.0.fetch_sub(1, SeqCst);
        }
    }

    impl HttpBody for Pieces {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            if self.left == 0 {
                return Poll::Ready(None);
            }
            self.left -= 1;
            let kept = self.kept.fetch_add(1, SeqCst) + 1;
            self.most_kept.fetch_max(kept, SeqCst);
            let piece = Bytes::from_owner(Piece(Arc::clone(&self.kept)));
            Poll::Ready(Some(Ok(Frame::data(piece))))
        }
    }

    fn ready<T>(future: impl Future<Output = T>) -> T {
        match pin!(future).poll(&mut Context::from_waker(std::task::Waker::noop())) {
            Poll::Ready(done) => done,
            Poll::Pending => panic!("it waits"),
        }
    }

    #[test]
    fn of_a_body_in_small_pieces_none_is_kept() {
        let most_kept = Arc::new(AtomicUsize::new(0));
        let body = |left| Body::new(Pieces { left, kept: Arc::default(), most_kept: Arc::clone(&most_kept) });
        let room = Room::of_all(&Limits::default());
        let read = |body, most| ready(room.read_wanted(&room, &HeaderMap::new(), pin!(body), most));
        assert_eq!(read(body(5000), 5000).unwrap().bytes, vec![b'a'; 5000]);
        assert_eq!(most_kept.load(SeqCst), 1);
        assert!(read(body(5001), 5000).is_err());
    }

    fn headers(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn one_client_does_not_take_the_room_of_all_and_files_not_that_of_hashes() {
        let limits = Limits { body_bytes: 1 << 20, bodies_bytes: 4 << 20, ..Limits::default() };
        let all = Room::of_all(&limits);
        let [greedy, other] = [Room::of_one(&limits, 2), Room::of_one(&limits, 2)];
        let stated = headers(CONTENT_LENGTH, "1048576");
        let file = |own: &Room| ready(all.read_wanted(own, &stated, pin!(Body::empty()), 1 << 20));
        let held: Vec<_> = (0..9).filter_map(|_| file(&greedy).ok()).collect();
        assert_eq!(held.len(), 2);
        assert!(file(&other).is_ok());
        let batch = || ready(all.read_wanted(&greedy, &HeaderMap::new(), pin!(Body::from("abc")), SHORT));
        assert_eq!(batch().unwrap().bytes, "abc");
        drop(held);
        assert!(file(&greedy).is_ok());
        // Who is alone may have all, and of many each has room for a body.
        let count = |clients| {
            let own = Room::of_one(&limits, clients);
            (0..9).filter_map(|_| file(&own).ok()).collect::<Vec<_>>().len()
        };
        assert_eq!((count(1), count(4), count(100)), (4, 1, 1));
    }

    #[test]
    fn a_body_that_does_not_say_its_length_takes_room_as_it_comes() {
        let limits = Limits { body_bytes: 1 << 20, bodies_bytes: 2 << 20, ..Limits::default() };
        let (all, own) = (Room::of_all(&limits), Room::of_one(&limits, 1));
        let read = |length: usize| {
            let body = Body::from(vec![1; length]);
            ready(all.read_wanted(&own, &HeaderMap::new(), pin!(body), 1 << 20)).map(|read| read.share)
        };
        // Each of these may become a megabyte, and is none.
        let held: Vec<_> = (0..9).filter_map(|_| read(100).ok()).collect();
        assert_eq!(held.len(), 9);
        assert!(read(1 << 20).is_err());
        drop(held);
        let whole = [read(1 << 20).unwrap(), read(1 << 20).unwrap()];
        assert!(read(200 << 10).is_err());
        drop(whole);
        assert!(read(200 << 10).is_ok());
    }

    #[test]
    fn a_compressed_body_is_refused() {
        let read = |value| must_be_as_it_is(&headers(CONTENT_ENCODING, value));
        assert!(read("identity").is_ok() && read("").is_ok() && must_be_as_it_is(&HeaderMap::new()).is_ok());
        assert!(read("gzip").is_err() && read("identity, gzip").is_err() && read("br").is_err());
        let read = |value| must_be_as_it_is(&headers(TRANSFER_ENCODING, value));
        assert!(read("chunked").is_ok() && read("Chunked").is_ok());
        assert!(read("gzip, chunked").is_err() && read("gzip").is_err() && read("chunked, chunked").is_err());
    }
}
