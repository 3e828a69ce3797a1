//! From requests to answers. One file for each service that is spoken.

mod guard;
mod hma;
mod own;
mod scart;
mod service;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::handler::Handler;
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::operations::{Id, OPERATIONS};
use crate::problem::Problem;

/// All paths, each behind its guard.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for operation in OPERATIONS {
        let guard = from_fn_with_state((Arc::clone(app), operation), guard::guard);
        let handler = handler(operation.id, &operation.method).layer(guard);
        router = router.route(operation.path, handler);
    }
    router
        .fallback(|| async { Problem::not_found() })
        .method_not_allowed_fallback(|| async { Problem::method() })
        .layer(CatchPanicLayer::custom(|_: Box<dyn std::any::Any + Send>| {
            Problem::internal().into_response()
        }))
        .layer(from_fn_with_state(Arc::clone(app), guard::tell_others))
        .layer(from_fn(closed))
        .with_state(Arc::clone(app))
}

fn handler(id: Id, method: &Method) -> MethodRouter<Arc<App>> {
    match id {
        Id::MatchFile => by(method, own::match_file),
        Id::MatchHashes => by(method, own::match_hashes),
        Id::HashFile => by(method, own::hash_file),
        Id::Index => by(method, own::index),
        Id::Health => by(method, service::health),
        Id::Ready => by(method, service::ready),
        Id::Metrics => by(method, service::metrics),
        Id::OpenApi => by(method, service::open_api),
        Id::Docs => by(method, service::docs),
        Id::DocsStyle => by(method, service::docs_style),
        Id::HmaLookup => by(method, hma::lookup),
        Id::HmaLookupFile => by(method, hma::lookup_file),
        Id::HmaRawLookup => by(method, hma::raw_lookup),
        Id::HmaHashUrl => by(method, hma::hash_url),
        Id::HmaHashFile => by(method, hma::hash_file),
        Id::HmaStatus => by(method, hma::status),
        Id::ScartCheck => by(method, scart::check),
        Id::ScartTest => by(method, scart::test),
    }
}

fn by<T: 'static>(method: &Method, handler: impl Handler<T, Arc<App>>) -> MethodRouter<Arc<App>> {
    on(if *method == Method::POST { MethodFilter::POST } else { MethodFilter::GET }, handler)
}

/// Nothing that is answered is kept on the way, or taken for something else by a browser.
async fn closed(request: Request<Body>, next: axum::middleware::Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.entry("content-security-policy").or_insert(HeaderValue::from_static("default-src 'none'"));
    response
}
