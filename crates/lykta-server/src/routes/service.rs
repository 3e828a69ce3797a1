//! What is said of the service itself.

use std::sync::{Arc, LazyLock};

use axum::Json;
use axum::extract::State;
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::app::App;
use crate::openapi;
use crate::problem::Problem;

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// No reason here: it may have a path in it, and whoever asks has no token. The log has it.
#[derive(Serialize)]
struct Ready {
    status: &'static str,
    stale: bool,
    index: String,
}

pub(super) async fn health() -> Response {
    Json(Health { status: "running" }).into_response()
}

pub(super) async fn ready(State(app): State<Arc<App>>) -> Response {
    match app.pool.generation() {
        None => Problem::not_ready().into_response(),
        Some(_) if app.pool.is_down() => Problem::down().into_response(),
        Some(generation) => {
            let stale = app.is_stale();
            let status =
                if stale { "ready, but the newest files were refused: see the log" } else { "ready" };
            Json(Ready { status, stale, index: generation.digest.clone() }).into_response()
        }
    }
}

pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], app.metrics_text()).into_response()
}

// Made once: whoever asks for these needs no token.
static DOCUMENT: LazyLock<String> = LazyLock::new(openapi::document_text);
static PAGE: LazyLock<String> = LazyLock::new(openapi::page);

pub(super) async fn open_api() -> Response {
    ([(CONTENT_TYPE, "application/json")], DOCUMENT.as_str()).into_response()
}

pub(super) async fn docs() -> Response {
    let headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; style-src 'self'; frame-ancestors 'none'; base-uri 'none'",
        ),
    ];
    (headers, PAGE.as_str()).into_response()
}

pub(super) async fn docs_style() -> Response {
    ([(CONTENT_TYPE, "text/css; charset=utf-8")], openapi::STYLE).into_response()
}
