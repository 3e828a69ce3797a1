//! The matcher and the hasher of HMA (hasher-matcher-actioner), as its clients call them.
//!
//! `pdq` is compared by likeness and `video_md5`, the MD5 of a file, exactly. Only what counts as found is told: HMA
//! has no notes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::response::{IntoResponse, Response};
use lykta::scan::Match;
use lykta::{Hash, Kind};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::guard::Caller;
use super::own::{self, found, only_file, tell_hashes};
use crate::app::App;
use crate::body::Read;
use crate::generation::Generation;
use crate::multipart;
use crate::pool::{Context, Length};
use crate::problem::Problem;

/// Kinds of hash, as HMA calls them.
const SIGNALS: [(&str, Kind); 2] = [("pdq", Kind::Pdq), ("video_md5", Kind::Md5)];

/// What the query may say; whatever else is there is passed over, as HMA does.
#[derive(Default, Deserialize)]
pub(super) struct Asked {
    signal: Option<String>,
    signal_type: Option<String>,
    url: Option<String>,
    banks: Option<String>,
    types: Option<String>,
    include_distance: Option<String>,
}

type Asks = Result<Query<Asked>, QueryRejection>;

fn asked(query: Asks) -> Result<Asked, Problem> {
    let Query(asked) =
        query.map_err(|_| Problem::bad_request("the query cannot be read: give each parameter once"))?;
    Ok(asked)
}

#[derive(Serialize)]
struct Content {
    bank_content_id: u64,
    distance: String,
}

type Banks = BTreeMap<String, Vec<Content>>;

/// Names of banks that are asked; all where none is named.
#[derive(Clone)]
struct Wanted(Option<Vec<String>>);

impl Wanted {
    fn new(asked: &Asked) -> Self {
        let names = asked.banks.as_deref().map(|names| names.split(',').map(|name| name.trim().to_owned()));
        Self(names.map(Iterator::collect))
    }

    fn has(&self, bank: &str) -> bool {
        self.0.as_ref().is_none_or(|names| names.iter().any(|name| name == bank))
    }
}

/// What of the matches is told, with its bank.
fn told<'m>(
    matches: &'m [Match],
    generation: &'m Generation,
    wanted: &'m Wanted,
    most: usize,
) -> impl Iterator<Item = (&'m str, Content)> {
    found(matches)
        .filter_map(|found| {
            let bank = generation.banks.name(&found.list);
            let content = Content {
                bank_content_id: generation.banks.content_id(&found.list, &found.list_sha256, found.row),
                distance: found.distance.to_string(),
            };
            wanted.has(bank).then_some((bank, content))
        })
        .take(most)
}

fn banks(matches: &[Match], generation: &Generation, wanted: &Wanted, most: usize) -> Banks {
    let mut banks = Banks::new();
    for (bank, content) in told(matches, generation, wanted, most) {
        banks.entry(bank.to_owned()).or_default().push(content);
    }
    banks
}

fn kind(signal_type: &str) -> Result<Kind, Problem> {
    let known = SIGNALS.iter().find(|(name, _)| *name == signal_type).map(|(_, kind)| *kind);
    known.ok_or_else(|| {
        Problem::bad_request("No such SignalType: those that are answered are pdq and video_md5")
    })
}

/// The hash that is asked about.
fn signal(asked: &Asked) -> Result<Hash, Problem> {
    let missing = |name: &str| Problem::bad_request(format!("{name} is required"));
    let signal = asked.signal.as_deref().ok_or_else(|| missing("signal"))?;
    let kind = kind(asked.signal_type.as_deref().ok_or_else(|| missing("signal_type"))?)?;
    let hash = Hash::from_hex(kind, signal.trim().as_bytes());
    hash.map_err(|error| Problem::bad_request(format!("invalid signal: {error}")))
}

pub(super) async fn lookup(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    if asked.url.is_some() {
        return Err(Problem::no_fetching());
    }
    caller.must_see_distances()?;
    let (hash, wanted, most) = (signal(&asked)?, Wanted::new(&asked), app.config.limits.matches);
    let banks = app
        .pool
        .run(Length::Short, move |context| banks(&look_up(context, hash), context.generation, &wanted, most))
        .await?;
    tell_hashes(&app, &caller, 1, u64::from(!banks.is_empty()));
    Ok(Json(banks).into_response())
}

pub(super) async fn raw_lookup(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    let with_distance = match asked.include_distance.as_deref().map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "false" | "0" | "no") => false,
        Some("true" | "1" | "yes") => true,
        Some(_) => return Err(Problem::bad_request("include_distance is true or false")),
    };
    if with_distance {
        caller.must_see_distances()?;
    }
    let (hash, wanted, most) = (signal(&asked)?, Wanted::new(&asked), app.config.limits.matches);
    let contents: Vec<Content> = app
        .pool
        .run(Length::Short, move |context| {
            let matches = look_up(context, hash);
            told(&matches, context.generation, &wanted, most).map(|(_, content)| content).collect()
        })
        .await?;
    tell_hashes(&app, &caller, 1, u64::from(!contents.is_empty()));
    let matches = match with_distance {
        true => json!(contents),
        false => contents.iter().map(|content| content.bank_content_id).collect(),
    };
    Ok(Json(json!({"matches": matches})).into_response())
}

fn look_up(context: &Context<'_>, hash: Hash) -> Vec<Match> {
    let mut answers = context.scanner.look_up(&[hash]);
    answers.pop().map(|answer| answer.matches).unwrap_or_default()
}

pub(super) async fn lookup_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    caller.must_see_distances()?;
    let (read, signal) = upload(&app, &asked, request).await?;
    let (wanted, most) = (Wanted::new(&asked), app.config.limits.matches);
    let (answer, seen) = app
        .pool
        .run(Length::Long, move |context| {
            let Read { bytes, share } = read;
            // As HMA does it: hashed, then each hash looked up.
            let record = context.scanner.examine_bytes("upload", &bytes);
            drop((bytes, share));
            let mut answer = BTreeMap::<&str, Banks>::new();
            let name = SIGNALS.iter().find(|(_, kind)| *kind == signal).map_or("pdq", |(name, _)| name);
            let of_kind: Vec<Match> =
                record.matches.iter().filter(|found| found.kind == signal).cloned().collect();
            answer.insert(name, banks(&of_kind, context.generation, &wanted, most));
            let failed = signal == Kind::Pdq && record.pdq.is_none();
            let detail = record.problem.as_ref().map(|problem| problem.detail.clone());
            let failed = failed.then(|| detail.unwrap_or_else(|| "it is not a picture".to_owned()));
            ((answer, failed), own::Seen::new(&record))
        })
        .await?;
    seen.tell(&app, &caller);
    match answer {
        // An empty answer would read as "no match".
        (_, Some(detail)) => Err(Problem::bad_request(format!("the file cannot be hashed: {detail}"))),
        (answer, None) => Ok(Json(answer).into_response()),
    }
}

pub(super) async fn hash_url(query: Asks) -> Problem {
    match asked(query) {
        Err(problem) => problem,
        Ok(asked) if asked.url.is_none() => {
            Problem::bad_request("url is required; to have a file hashed, send it with POST")
        }
        Ok(_) => Problem::no_fetching(),
    }
}

pub(super) async fn hash_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    let (read, signal) = upload(&app, &asked, request).await?;
    let hashed = app
        .pool
        .run(Length::Long, move |context| {
            let Read { bytes, share } = read;
            let hashed = own::hash(&bytes, &context.pictures);
            drop((bytes, share));
            hashed
        })
        .await?;
    caller.0.asked.hashed.fetch_add(1, Relaxed);
    let answer = match (signal, hashed.pdq) {
        (Kind::Pdq, Some(pdq)) => json!({"pdq": pdq}),
        (Kind::Pdq, None) => {
            let error = hashed.error.unwrap_or_default();
            return Err(Problem::bad_request(format!("the file cannot be hashed: {error}")));
        }
        _ => json!({"video_md5": hashed.md5}),
    };
    Ok(Json(answer).into_response())
}

/// The file, and the kind of hash that its content type has.
async fn upload(app: &App, asked: &Asked, request: Request) -> Result<(Read, Kind), Problem> {
    let (parts, body) = request.into_parts();
    let boundary = multipart::boundary(&parts.headers)
        .ok_or_else(|| Problem::bad_request("Missing multipart/form-data file upload"))?;
    let read = app.bodies.read(&parts.headers, body, app.config.limits.body_bytes).await?;
    let (field, bytes): (String, Bytes) = only_file(&read.bytes, &boundary)?;
    let of_type = match field.as_str() {
        "photo" => Kind::Pdq,
        "video" => Kind::Md5,
        _ => {
            let detail = "no such content_type: call the field of the file photo or video";
            return Err(Problem::bad_request(detail));
        }
    };
    for name in asked.types.iter().flat_map(|types| types.split(',')).map(str::trim) {
        if !name.is_empty() && kind(name)? != of_type {
            return Err(Problem::bad_request(format!("there is no {name} of a {field}")));
        }
    }
    Ok((Read { bytes, share: read.share }, of_type))
}

pub(super) async fn status(State(app): State<Arc<App>>, query: Asks) -> Result<Response, Problem> {
    let asked = asked(query)?;
    let only = asked.signal_type.as_deref().map(kind).transpose()?;
    let generation = app.pool.generation();
    let one = |kind: Kind| match &generation {
        None => json!({"present": false, "built_to": -1, "size": 0}),
        Some(generation) => json!({
            "present": generation.hash_count(kind) > 0,
            "built_to": generation.since.as_second(),
            "size": generation.hash_count(kind),
        }),
    };
    let wanted = SIGNALS.iter().filter(|(_, kind)| only.is_none_or(|only| only == *kind));
    let answer: BTreeMap<&str, _> = wanted.map(|(name, kind)| (*name, one(*kind))).collect();
    Ok(Json(answer).into_response())
}
