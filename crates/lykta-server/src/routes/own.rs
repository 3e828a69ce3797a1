//! The service's own paths.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::{Body, Bytes};
use axum::extract::{Extension, Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderMap};
use lykta::hash::{Digests, KindSet};
use lykta::media::Digester;
use lykta::scan::FORMAT_VERSION;
use lykta::{Hash, Kind, Record};
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use super::guard::Caller;
use crate::answer::{self, BatchAnswer, HashAnswer, Sight};
use crate::app::App;
use crate::body::Read;
use crate::multipart;
use crate::pool::{Context, Length};
use crate::problem::Problem;

/// Bytes for each hash of a batch: the longest is 71 letters, and some blanks around it.
const HASH_BYTES: u64 = 128;

/// Hashes that are looked up together, and matches of them after which the next ones are looked up one by one.
const PIECE: usize = 64;
const MANY_MATCHES: usize = 10_000;

/// Hashes of a batch that is looked up before files are.
const SHORT_BATCH: usize = 16;

/// A batch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    hashes: Vec<String>,
}

/// The keys of `lykta hash`.
#[derive(Default, Serialize)]
pub(super) struct Hashed {
    size: u64,
    pub(super) md5: String,
    sha1: String,
    sha256: String,
    blake3: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pdq: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pdq_quality: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

pub(super) async fn match_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let Read { bytes, share } = file(&app, &caller, request).await?;
    let sight = caller.sight(&app);
    let (answer, seen) = app
        .pool
        .run(caller.0.number, Length::Long, move |context| {
            let record = context.scanner.examine_bytes("upload", &bytes);
            drop((bytes, share));
            (sight.record(&record, &context.generation.digest), Seen::new(&record))
        })
        .await?;
    seen.tell(&app, &caller);
    Ok(Json(answer).into_response())
}

/// What is told of a file that was compared, without its answer.
pub(super) struct Seen {
    digest: Vec<u8>,
    is_found: bool,
    is_finding: bool,
    is_unexamined: bool,
    lists: Vec<String>,
}

impl Seen {
    pub(super) fn new(record: &Record) -> Self {
        // The strongest digest that there is: for a keyed one, by which the log tells files apart.
        let digest = record.digests.iter().last().map(|digest| digest.to_string().into_bytes());
        let mut lists: Vec<String> = record.matches.iter().map(|found| found.list.clone()).collect();
        lists.sort_unstable();
        lists.dedup();
        Self {
            digest: digest.unwrap_or_default(),
            is_found: record.is_found(),
            is_finding: record.is_finding(),
            is_unexamined: record.problem.is_some(),
            lists,
        }
    }

    pub(super) fn tell(&self, app: &App, caller: &Caller) {
        app.metrics.files.fetch_add(1, Relaxed);
        caller.0.asked.files.fetch_add(1, Relaxed);
        if self.is_unexamined {
            app.metrics.unexamined.fetch_add(1, Relaxed);
        }
        if self.is_finding {
            app.metrics.matched.fetch_add(1, Relaxed);
            caller.0.asked.matched.fetch_add(1, Relaxed);
            let (file, found) = (app.auth.digest(&self.digest), self.is_found);
            tracing::info!(client = caller.0.name, file, found, lists = ?self.lists, "a file matched");
        }
    }
}

pub(super) async fn match_hashes(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let most = app.config.limits.hashes;
    let (parts, body) = request.into_parts();
    must_be_json(&parts.headers)?;
    let Read { bytes, share } = caller.read(&app, &parts.headers, body, HASH_BYTES * most as u64).await?;
    let batch: Batch = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::bad_request(format!("the body is not {{\"hashes\":[\"kind:hex\",...]}}: {}", place(&error)))
    })?;
    drop((bytes, share));
    if batch.hashes.len() > most {
        return Err(Problem::too_many_hashes(most));
    }
    // One was taken for the request.
    caller.take(batch.hashes.len().saturating_sub(1))?;
    let (count, sight) = (batch.hashes.len(), caller.sight(&app));
    let length = if count <= SHORT_BATCH { Length::Short } else { Length::Long };
    let (answer, matched) = app
        .pool
        .run(caller.0.number, length, move |context| look_up(context, &batch.hashes, sight))
        .await?
        .map_err(|_| Problem::internal())?;
    tell_hashes(&app, &caller, count, matched);
    Ok(([(CONTENT_TYPE, "application/json")], answer).into_response())
}

/// Where JSON is wrong, without what is there.
fn place(error: &serde_json::Error) -> String {
    match (error.line(), error.column()) {
        (0, _) => "something is missing in it".to_owned(),
        (line, column) => format!("wrong at line {line}, column {column}"),
    }
}

/// The answers in JSON, and how many have a match.
fn look_up(context: &Context<'_>, asked: &[String], sight: Sight) -> serde_json::Result<(Vec<u8>, u64)> {
    let parse = |text: &String| match text.parse::<Hash>() {
        Ok(hash) if hash.is_blank() => Err(answer::BLANK.to_owned()),
        Ok(hash) => context.must_compare(hash.kind()).map(|()| hash),
        Err(error) => Err(error.to_string()),
    };
    let parsed: Vec<Result<Hash, String>> = asked.iter().map(parse).collect();
    let told = tell_each(context, parsed.iter().flatten().copied().collect(), sight)?;
    let nothing = RawValue::from_string("[]".to_owned())?;
    let (mut answers, mut matched) = (Vec::with_capacity(asked.len()), 0);
    for (hash, parsed) in asked.iter().zip(&parsed) {
        let mut answer = HashAnswer { hash, error: None, matches: &nothing, matches_left_out: None };
        match parsed.as_ref().map(|hash| told.get(hash)) {
            Err(error) => answer.error = Some(error),
            Ok(None) => {}
            Ok(Some(Told::KeptBack)) => answer.error = Some(answer::KEPT_BACK),
            Ok(Some(Told::Matches { shown, left_out })) => {
                matched += 1;
                answer.matches = shown;
                answer.matches_left_out = (*left_out > 0).then_some(*left_out);
            }
        }
        answers.push(answer);
    }
    let index = &context.generation.digest;
    Ok((serde_json::to_vec(&BatchAnswer { v: FORMAT_VERSION, index, answers })?, matched))
}

/// What is told of a hash that is not simply without a match.
enum Told {
    Matches { shown: Box<RawValue>, left_out: usize },
    KeptBack,
}

/// What is told of each hash, which is looked up once. Nothing else is kept: an entry may be in a list many thousand
/// times.
fn tell_each(
    context: &Context<'_>,
    mut hashes: Vec<Hash>,
    sight: Sight,
) -> serde_json::Result<HashMap<Hash, Told>> {
    hashes.sort_unstable();
    hashes.dedup();
    let (mut told, mut rest, mut piece) = (HashMap::new(), &hashes[..], PIECE);
    while !rest.is_empty() {
        let (now, later) = rest.split_at(piece.min(rest.len()));
        let mut found = 0;
        for (hash, answer) in now.iter().zip(context.scanner.look_up(now)) {
            found += answer.matches.len();
            if !answer.matches.is_empty() {
                let (shown, left_out) = sight.matches(&answer.matches);
                told.insert(*hash, Told::Matches { shown: to_raw_value(&shown)?, left_out });
            } else if answer.is_kept_back {
                told.insert(*hash, Told::KeptBack);
            }
        }
        (rest, piece) = (later, if found > MANY_MATCHES { 1 } else { PIECE });
    }
    Ok(told)
}

/// Counts hashes that were looked up.
pub(super) fn tell_hashes(app: &App, caller: &Caller, count: usize, matched: u64) {
    app.metrics.hashes.fetch_add(count as u64, Relaxed);
    app.metrics.matched.fetch_add(matched, Relaxed);
    caller.0.asked.hashes.fetch_add(count as u64, Relaxed);
    caller.0.asked.matched.fetch_add(matched, Relaxed);
}

pub(super) async fn hash_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Problem> {
    let Read { bytes, share } = file(&app, &caller, request).await?;
    let hashed = app
        .pool
        .run(caller.0.number, Length::Long, move |context| {
            let hashed = hash(&bytes, context);
            drop((bytes, share));
            hashed
        })
        .await?;
    caller.0.asked.hashed.fetch_add(1, Relaxed);
    Ok(Json(hashed).into_response())
}

/// All hashes of a file.
pub(super) fn hash(bytes: &[u8], context: &Context<'_>) -> Hashed {
    let mut digester = Digester::new(KindSet::DIGESTS);
    digester.update(bytes);
    let digests: Digests = digester.finish();
    let mut hashed = Hashed { size: bytes.len() as u64, ..Hashed::default() };
    for digest in digests.iter() {
        let text = digest.to_string();
        match digest.kind() {
            Kind::Md5 => hashed.md5 = text,
            Kind::Sha1 => hashed.sha1 = text,
            Kind::Sha256 => hashed.sha256 = text,
            Kind::Blake3 => hashed.blake3 = text,
            Kind::Pdq | Kind::Phash | Kind::Dhash => {}
        }
    }
    match context.scanner.hash_picture(bytes) {
        Ok((hash, dimensions)) => {
            hashed.pdq = Some(hash.pdq.to_string());
            hashed.pdq_quality = Some(hash.quality);
            (hashed.width, hashed.height) = (Some(dimensions.width), Some(dimensions.height));
        }
        Err(error) => hashed.error = Some(error),
    }
    hashed
}

pub(super) async fn index(State(app): State<Arc<App>>) -> Result<Response, Problem> {
    let generation = app.pool.generation().ok_or_else(Problem::not_ready)?;
    Ok(Json(generation.describe()).into_response())
}

/// The file that a request brings: its body, or the only file in it.
async fn file(app: &App, caller: &Caller, request: Request<Body>) -> Result<Read, Problem> {
    let (parts, body) = request.into_parts();
    let boundary = multipart::boundary(&parts.headers).map_err(Problem::bad_request)?;
    let read = caller.read(app, &parts.headers, body, app.config.limits.body_bytes).await?;
    match boundary {
        // Whoever forgot the file must not take the answer for one about it.
        None if read.bytes.is_empty() => Err(Problem::bad_request("there is no file: the body is empty")),
        None => Ok(read),
        Some(boundary) => {
            let (_, bytes) = only_file(&read.bytes, &boundary)?;
            Ok(Read { bytes, share: read.share })
        }
    }
}

/// The only file of a multipart body, with the name of its field.
pub(super) fn only_file(body: &Bytes, boundary: &str) -> Result<(String, Bytes), Problem> {
    let mut files = multipart::files(body, boundary).map_err(Problem::bad_request)?;
    let wrong = match (files.pop(), files.pop()) {
        (Some(file), None) if !file.bytes.is_empty() => return Ok((file.field, file.bytes)),
        (Some(_), None) => "the file is empty: there is nothing to compare or hash",
        (None, _) => "Missing multipart/form-data file upload: send one file, with a file name",
        (Some(_), Some(_)) => "Only one file allowed per request: send several requests",
    };
    Err(Problem::bad_request(wrong))
}

fn must_be_json(headers: &HeaderMap) -> Result<(), Problem> {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = value.split(';').next().unwrap_or_default().trim();
    match kind.eq_ignore_ascii_case("application/json") {
        true => Ok(()),
        false => Err(Problem::media_type("send the batch as application/json")),
    }
}
