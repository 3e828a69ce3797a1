//! Times as exchanges write them.

use super::value::Value;
use crate::reason::Cause;

const MICROSECONDS: u64 = 1_000_000;

/// Microseconds since 1970 of a number of seconds; `None` when there is none.
pub(crate) fn seconds(value: &Value<'_>) -> Result<Option<i64>, Cause> {
    let max = i64::MAX as u64 / MICROSECONDS;
    let seconds = value.number(max)?;
    Ok(seconds.and_then(|seconds| i64::try_from(seconds * MICROSECONDS).ok()))
}
