//! SCARt's check of known hashes: a digest in, `true` or `false` out.
//!
//! SCARt takes whatever is not `true` for "not in the database". So nothing but a comparison that was made says
//! `false`: everything else has a status of 400 or above, and shows in the log and the metrics.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use lykta::scan::Match;
use lykta::{Hash, Kind};

use super::guard::Caller;
use super::own::tell_hashes;
use crate::app::App;
use crate::pool::Length;
use crate::problem::Problem;

/// Bytes of a body: the digits, and what a form may put around them.
const MOST: u64 = 256;

/// The end of the path; an error where it is no text.
type AskedKind = Result<Path<String>, PathRejection>;

pub(super) async fn check(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    kind: AskedKind,
    request: Request,
) -> Result<Response, Problem> {
    let hash = digest(&app, &caller, kind, request).await?;
    let is_known = app
        .pool
        .run(caller.0.number, Length::Short, move |context| {
            context.must_compare(hash.kind())?;
            let answers = context.scanner.look_up(&[hash]);
            Ok(answers.iter().flat_map(|answer| &answer.matches).any(Match::is_found))
        })
        .await?;
    let is_known = is_known.map_err(|why: String| Problem::nothing_to_compare_with(&why))?;
    tell_hashes(&app, &caller, 1, u64::from(is_known));
    Ok(plain(is_known))
}

pub(super) async fn test(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    kind: AskedKind,
    request: Request,
) -> Result<Response, Problem> {
    let hash = digest(&app, &caller, kind, request).await?;
    Ok(plain(app.scart_test.contains(&hash)))
}

fn plain(is_known: bool) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], if is_known { "true" } else { "false" }).into_response()
}

async fn digest(app: &App, caller: &Caller, kind: AskedKind, request: Request) -> Result<Hash, Problem> {
    let kind = match kind.as_ref().map(|Path(kind)| kind.as_str()) {
        Ok("md5") => Kind::Md5,
        Ok("sha1") => Kind::Sha1,
        _ => return Err(Problem::not_found()),
    };
    let (parts, body) = request.into_parts();
    let read = caller.read(app, &parts.headers, body, MOST).await?;
    // curl's form has the digits as a key without a value.
    let digits = read.bytes.trim_ascii();
    let digits = digits.strip_suffix(b"=").unwrap_or(digits);
    Hash::from_hex(kind, digits)
        .map_err(|error| Problem::bad_request(format!("the body is not a {kind} in hexadecimal: {error}")))
}
