//! Reading bodies: each within its limit, and all of them within the memory that bodies may take.
//!
//! Nobody can take all of that memory: a client has a share of it, and short bodies, those of hashes, do not wait for
//! the room of files.

use std::pin::pin;
use std::sync::Arc;

use axum::body::{Body, Bytes, HttpBody};
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
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

/// Memory that bodies may take: of all clients, or of one.
pub(crate) struct Room {
    short: Arc<Semaphore>,
    long: Arc<Semaphore>,
}

/// A body, with its share of that memory.
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    pub(crate) share: [OwnedSemaphorePermit; 2],
}

impl Room {
    /// All that there is.
    pub(crate) fn of_all(limits: &Limits) -> Self {
        Self::new(SHORT_BODIES, limits.bodies_bytes)
    }

    /// What one client may have of it: all if there is no other, else half, but room for one body at least.
    pub(crate) fn of_one(limits: &Limits, clients: usize) -> Self {
        match clients {
            0 | 1 => Self::of_all(limits),
            _ => Self::new(SHORT_BODIES / 2, (limits.bodies_bytes / 2).max(limits.body_bytes)),
        }
    }

    fn new(short: u64, long: u64) -> Self {
        let permits = |bytes: u64| {
            let units = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS)))
        };
        Self { short: permits(short), long: permits(long) }
    }

    fn take(&self, bytes: u64) -> Result<OwnedSemaphorePermit, Problem> {
        let room = if bytes <= SHORT { &self.short } else { &self.long };
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        Arc::clone(room).try_acquire_many_owned(units).map_err(|_| Problem::busy())
    }

    /// Reads a body of at most `most` bytes for a client who has `own` room. Nothing is read before there is room for what
    /// its headers say, or, if they do not, for the most.
    pub(crate) async fn read(
        &self,
        own: &Self,
        headers: &HeaderMap,
        body: Body,
        most: u64,
    ) -> Result<Read, Problem> {
        must_be_as_it_is(headers)?;
        let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|stated| stated > most) {
            return Err(Problem::too_large(most));
        }
        let room = stated.unwrap_or(most);
        let share = [own.take(room)?, self.take(room)?];
        Ok(Read { bytes: read(body, most).await?, share })
    }
}

/// All of a body. What came is copied together at once: kept as it came, a body of many small pieces would take many
/// times its length.
async fn read(body: Body, most: u64) -> Result<Bytes, Problem> {
    let hint = body.size_hint().exact().unwrap_or_default().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(hint).unwrap_or_default());
    let mut body = pin!(body);
    while let Some(frame) = body.frame().await {
        let ended = "the body ended before its end, or is not encoded as HTTP says";
        let Ok(piece) = frame.map_err(|_| Problem::bad_request(ended))?.into_data() else { continue };
        if bytes.len() as u64 + piece.len() as u64 > most {
            return Err(Problem::too_large(most));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes.into())
}

/// Compressed bytes are not the file, and comparing them would be no answer.
fn must_be_as_it_is(headers: &HeaderMap) -> Result<(), Problem> {
    let is_identity = |value: &axum::http::HeaderValue| {
        value.as_bytes().is_empty() || value.as_bytes().eq_ignore_ascii_case(b"identity")
    };
    match headers.get_all(CONTENT_ENCODING).iter().all(is_identity) {
        true => Ok(()),
        false => Err(Problem::media_type("send the body without Content-Encoding: it is compared as it is")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
    use std::task::{Context, Poll};

    use axum::http::HeaderValue;
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
        assert_eq!(ready(read(body(5000), 5000)).unwrap(), vec![b'a'; 5000]);
        assert_eq!(most_kept.load(SeqCst), 1);
        assert!(ready(read(body(5001), 5000)).is_err());
    }

    fn headers(name: axum::http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn one_client_does_not_take_the_room_of_all_and_files_not_that_of_hashes() {
        let limits = Limits { body_bytes: 1 << 20, bodies_bytes: 4 << 20, ..Limits::default() };
        let all = Room::of_all(&limits);
        let [greedy, other] = [Room::of_one(&limits, 2), Room::of_one(&limits, 2)];
        let file = |own| ready(all.read(own, &headers(CONTENT_LENGTH, "1048576"), Body::empty(), 1 << 20));
        let held: Vec<_> = (0..9).filter_map(|_| file(&greedy).ok()).collect();
        assert_eq!(held.len(), 2);
        assert!(file(&other).is_ok());
        let batch = || ready(all.read(&greedy, &HeaderMap::new(), Body::from("abc"), SHORT));
        assert_eq!(batch().unwrap().bytes, "abc");
        drop(held);
        assert!(file(&greedy).is_ok());
        // Who is alone may have all.
        let alone = Room::of_one(&limits, 1);
        assert_eq!((0..9).filter_map(|_| file(&alone).ok()).collect::<Vec<_>>().len(), 4);
    }

    #[test]
    fn a_compressed_body_is_refused() {
        let read = |value| must_be_as_it_is(&headers(CONTENT_ENCODING, value));
        assert!(read("identity").is_ok() && read("").is_ok() && must_be_as_it_is(&HeaderMap::new()).is_ok());
        assert!(read("gzip").is_err() && read("identity, gzip").is_err() && read("br").is_err());
    }
}
