//! Errors as RFC 9457 has them: JSON that says what to do.

use axum::Json;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::pool::Undone;

/// An error as the client sees it.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    name: &'static str,
    title: &'static str,
    detail: String,
    /// Seconds after which it may be tried again.
    retry_after: Option<u64>,
}

/// `message` is for clients of HMA, whose errors have it.
#[derive(Serialize)]
struct Document<'p> {
    r#type: String,
    title: &'p str,
    status: u16,
    detail: &'p str,
    message: &'p str,
}

/// What a problem's type begins with: the section of docs/serve.md.
const TYPES: &str = "urn:lykta:problem:";

impl Problem {
    fn new(status: StatusCode, name: &'static str, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, name, title, detail: detail.into(), retry_after: None }
    }

    fn after(self, seconds: u64) -> Self {
        Self { retry_after: Some(seconds.max(1)), ..self }
    }

    /// The same for a token that is missing, unknown or wrong.
    pub(crate) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorised",
            "A valid token is needed",
            "send a token of this service as `Authorization: Bearer TOKEN`, or as the password of HTTP Basic",
        )
    }

    pub(crate) fn scope(scope: &str) -> Self {
        let detail = format!("this token lacks the scope `{scope}`: ask for a token that has it");
        Self::new(StatusCode::FORBIDDEN, "scope", "The token does not allow this", detail)
    }

    pub(crate) fn host() -> Self {
        let detail = "without tokens this service answers to the names of loopback only: ask for 127.0.0.1 or localhost";
        Self::new(StatusCode::FORBIDDEN, "host", "Another host was asked for", detail)
    }

    pub(crate) fn no_fetching() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "no-fetching",
            "URLs are not fetched",
            "this service does not fetch from there: send the file itself with POST, or have the host listed in fetch.hosts",
        )
    }

    /// Of a URL that may be fetched and was not.
    pub(crate) fn not_fetched(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_GATEWAY, "not-fetched", "The URL was not fetched", detail)
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad-request", "The request cannot be understood", detail)
    }

    pub(crate) fn is_bad_request(&self) -> bool {
        self.status == StatusCode::BAD_REQUEST
    }

    pub(crate) fn media_type(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "media-type", "Another media type is needed", detail)
    }

    pub(crate) fn not_found() -> Self {
        let detail = "there is no such path: /docs has those that there are";
        Self::new(StatusCode::NOT_FOUND, "not-found", "No such path", detail)
    }

    pub(crate) fn method() -> Self {
        let detail = "this path does not answer that method: /docs has those that it does";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method", "No such method here", detail)
    }

    pub(crate) fn too_large(most: u64) -> Self {
        let detail =
            format!("a body may have {most} bytes here: send less at a time, or have the limit raised");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", "The body is too large", detail)
    }

    pub(crate) fn too_many_hashes(most: usize) -> Self {
        let detail = format!("a batch may have {most} hashes: send several batches");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too-many-hashes", "The batch is too large", detail)
    }

    pub(crate) fn rate(seconds: u64) -> Self {
        let detail = "this client has asked for more than it may: wait as long as Retry-After says";
        Self::new(StatusCode::TOO_MANY_REQUESTS, "rate", "Too many lookups", detail).after(seconds)
    }

    pub(crate) fn too_slow() -> Self {
        let detail = "the request was not complete, or not answered, in the time that a request may take: send it again";
        Self::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "The request took too long", detail)
    }

    pub(crate) fn not_ready() -> Self {
        let detail = "index not yet ready: it is being opened and checked; nothing was compared, so this is no answer; \
                      try again after Retry-After";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "not-ready", "Not ready", detail).after(1)
    }

    /// Where a shape has no place to say that nothing was compared.
    pub(crate) fn nothing_to_compare_with(why: &str) -> Self {
        let detail = format!("nothing was compared, so this is no answer: {why}");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "nothing-to-compare", "Nothing to compare with", detail)
    }

    pub(crate) fn busy() -> Self {
        let detail = "too much is waiting already: nothing was compared; try again after Retry-After";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "Busy", detail).after(1)
    }

    pub(crate) fn down() -> Self {
        let detail =
            "no process that decodes pictures can be started: the log says why, and it is tried again";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "down", "Cannot work", detail).after(1)
    }

    pub(crate) fn internal() -> Self {
        let detail = "a fault of this program: nothing is known of what was asked; please report it";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Internal error", detail)
    }
}

impl From<Undone> for Problem {
    fn from(undone: Undone) -> Self {
        match undone {
            Undone::NotReady => Self::not_ready(),
            Undone::Busy | Undone::Closed => Self::busy(),
            Undone::Panicked => Self::internal(),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let document = Document {
            r#type: format!("{TYPES}{}", self.name),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            message: &self.detail,
        };
        let mut response = (self.status, Json(document)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            let ways =
                HeaderValue::from_static("Bearer realm=\"lykta\", Basic realm=\"lykta\", charset=\"UTF-8\"");
            headers.insert(WWW_AUTHENTICATE, ways);
        }
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}
