//! Files of HMA's clients: sent, or fetched from where they say.

use std::pin::pin;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header::CONTENT_TYPE;
use lykta::Kind;

use super::{Asked, kind};
use crate::app::App;
use crate::body::Read;
use crate::fetch::Fetched;
use crate::multipart;
use crate::problem::Problem;
use crate::routes::guard::Caller;
use crate::routes::own::only_file;

/// The file, and the kind of hash that its content type has.
pub(super) async fn upload(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    request: Request,
) -> Result<(Read, Kind), Problem> {
    let (parts, body) = request.into_parts();
    let boundary = multipart::boundary(&parts.headers)
        .map_err(Problem::bad_request)?
        .ok_or_else(|| Problem::bad_request("Missing multipart/form-data file upload"))?;
    let read = caller.read(app, &parts.headers, body, app.config.limits.body_bytes).await?;
    let (field, bytes): (String, Bytes) = only_file(&read.bytes, &boundary)?;
    let kind = kind_of(&field, asked)?.ok_or_else(|| {
        Problem::bad_request("no such content_type: call the field of the file photo or video")
    })?;
    Ok((Read { bytes, share: read.share }, kind))
}

/// The kind of hash of a content type, if it is one.
fn kind_of(content_type: &str, asked: &Asked) -> Result<Option<Kind>, Problem> {
    let of_type = match content_type {
        "photo" => Kind::Pdq,
        "video" => Kind::Md5,
        _ => return Ok(None),
    };
    for name in asked.types.iter().flat_map(|types| types.split(',')).map(str::trim) {
        if !name.is_empty() && kind(name)? != of_type {
            return Err(Problem::bad_request(format!("there is no {name} of a {content_type}")));
        }
    }
    Ok(Some(of_type))
}

/// The file at a URL, and the kind of hash that its content type has: the one that is stated, or that of the host.
pub(super) async fn fetched(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    url: &str,
) -> Result<(Read, Kind), Problem> {
    let unknown = "no such content_type: say photo or video";
    let stated = asked.content_type.as_deref();
    let stated = stated
        .map(|stated| kind_of(stated, asked)?.ok_or_else(|| Problem::bad_request(unknown)))
        .transpose()?;
    let fetcher = app.fetcher.as_ref().ok_or_else(Problem::no_fetching)?;
    let Fetched { headers, body } = fetcher.fetch(url).await?;
    let kind = match stated {
        Some(kind) => kind,
        None => {
            let told = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
            let content_type = match told.split('/').next() {
                Some("image") => "photo",
                Some("video") => "video",
                _ => "",
            };
            kind_of(content_type, asked)?.ok_or_else(|| {
                Problem::bad_request(
                    "content_type is required: the host does not say whether it is photo or video",
                )
            })?
        }
    };
    let most = app.config.limits.body_bytes;
    let read = app.bodies.read_wanted(caller.room(), &headers, pin!(body), most).await;
    match read {
        Err(problem) if problem.is_bad_request() => Err(Problem::not_fetched(
            "what the host sent ended before its end, or is not encoded as HTTP says",
        )),
        read => Ok((read?, kind)),
    }
}
