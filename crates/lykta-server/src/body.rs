//! Reading bodies: each within its limit, and all of them within the memory that bodies may take.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::problem::Problem;

/// Bytes that one permit stands for.
const UNIT: u64 = 1024;

/// The memory that bodies may take.
pub(crate) struct Bodies {
    free: Arc<Semaphore>,
}

/// A body, with its share of that memory.
pub(crate) struct Read {
    pub(crate) bytes: Bytes,
    pub(crate) share: OwnedSemaphorePermit,
}

impl Bodies {
    pub(crate) fn new(bytes: u64) -> Self {
        let units = usize::try_from(bytes.div_ceil(UNIT)).unwrap_or(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(units.min(Semaphore::MAX_PERMITS))) }
    }

    /// Reads a body of at most `most` bytes. Nothing is read before there is room for what its headers say, or, if
    /// they do not, for the most.
    pub(crate) async fn read(&self, headers: &HeaderMap, body: Body, most: u64) -> Result<Read, Problem> {
        let stated = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
        if stated.is_some_and(|stated| stated > most) {
            return Err(Problem::too_large(most));
        }
        let units = u32::try_from(stated.unwrap_or(most).div_ceil(UNIT)).unwrap_or(u32::MAX);
        let share = Arc::clone(&self.free).try_acquire_many_owned(units).map_err(|_| Problem::busy())?;
        let limit = usize::try_from(most).unwrap_or(usize::MAX);
        let collected = Limited::new(body, limit).collect().await.map_err(|error| match error
            .downcast_ref::<LengthLimitError>()
        {
            Some(_) => Problem::too_large(most),
            None => Problem::bad_request("the body ended before its end, or is not encoded as HTTP says"),
        })?;
        Ok(Read { bytes: collected.to_bytes(), share })
    }
}
