//! The matcher and the hasher of HMA (hasher-matcher-actioner), as its clients call them.
//!
//! `pdq` is compared by likeness and `video_md5`, the MD5 of a file, exactly. Only what counts as found is told: HMA
//! has no notes. Nor has it a word for what was not compared, so that is an error here and never an empty answer.

mod upload;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, Request, State};
use axum::response::{IntoResponse, Response};
use lykta::scan::{ExactOnly, Failure, Match, Outcome};
use lykta::{Hash, Kind, Record};
use serde::{Deserialize, Serialize};
use serde_json::json;

use self::upload::{fetched, upload};
use super::guard::Caller;
use super::own::{self, tell_hashes};
use crate::answer::{BLANK, KEPT_BACK, Sight};
use crate::app::App;
use crate::body::Read;
use crate::generation::Generation;
use crate::pool::{Context, Length};
use crate::problem::Problem;

/// How many matches an answer lacks, in whose shape there is no place for that.
const LEFT_OUT: &str = "x-lykta-matches-left-out";

/// Kinds of hash, as HMA calls them.
const SIGNALS: [(&str, Kind); 2] = [("pdq", Kind::Pdq), ("video_md5", Kind::Md5)];

/// What the query may say; whatever else is there is passed over, as HMA does.
#[derive(Default, Deserialize)]
pub(super) struct Asked {
    signal: Option<String>,
    signal_type: Option<String>,
    url: Option<String>,
    content_type: Option<String>,
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

/// What is told of matches: of which banks, by whom it may be seen, and how many of a bank.
struct Telling {
    /// Banks that are asked; all where none is named.
    banks: Option<BTreeSet<String>>,
    sight: Sight,
}

/// Matches by bank, and how many were left out because a bank has too many.
#[derive(Default)]
struct Told {
    banks: Banks,
    left_out: usize,
}

impl Telling {
    fn new(app: &App, caller: &Caller, asked: &Asked) -> Self {
        let names = asked.banks.iter().flat_map(|names| names.split(',')).map(str::trim);
        let names: BTreeSet<String> = names.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Self { banks: (!names.is_empty()).then_some(names), sight: caller.sight(app) }
    }

    /// # Errors
    /// When a bank is asked for that is none: nothing in it would ever match.
    fn check(&self, generation: &Generation) -> Result<(), Problem> {
        match self.banks.iter().flatten().all(|name| generation.banks.has(name)) {
            true => Ok(()),
            false => Err(Problem::bad_request("no such bank: /v1/index names those that there are")),
        }
    }

    fn tell<'m>(&self, matches: impl Iterator<Item = &'m Match>, generation: &Generation) -> Told {
        let mut told = Told::default();
        for found in self.sight.in_order(matches.filter(|found| found.is_found())) {
            let bank = generation.banks.name(&found.list);
            if self.banks.as_ref().is_some_and(|banks| !banks.contains(bank)) {
                continue;
            }
            let contents = told.banks.entry(bank.to_owned()).or_default();
            match contents.len() < self.sight.matches {
                true => contents.push(Content {
                    bank_content_id: generation.banks.content_id(&found.list, &found.list_sha256, found.row),
                    distance: found.distance.to_string(),
                }),
                false => told.left_out += 1,
            }
        }
        told
    }
}

/// An answer, with what its shape has no place for.
fn answer(body: impl Serialize, left_out: usize) -> Response {
    let headers = (left_out > 0).then(|| [(LEFT_OUT, left_out.to_string())]);
    (headers, Json(body)).into_response()
}

fn kind(signal_type: &str) -> Result<Kind, Problem> {
    let known = SIGNALS.iter().find(|(name, _)| *name == signal_type).map(|(_, kind)| *kind);
    known.ok_or_else(|| {
        Problem::bad_request("No such SignalType: those that are answered are pdq and video_md5")
    })
}

/// What a kind is called here. HMA has no name for some in which a file may be known.
fn signal_name(kind: Kind) -> &'static str {
    SIGNALS.iter().find(|(_, known)| *known == kind).map_or(kind.name(), |(name, _)| name)
}

/// The hash that is asked about.
fn signal(asked: &Asked) -> Result<Hash, Problem> {
    let missing = |name: &str| Problem::bad_request(format!("{name} is required"));
    let signal = asked.signal.as_deref().ok_or_else(|| missing("signal"))?;
    let kind = kind(asked.signal_type.as_deref().ok_or_else(|| missing("signal_type"))?)?;
    let hash = Hash::from_hex(kind, signal.trim().as_bytes())
        .map_err(|error| Problem::bad_request(format!("invalid signal: {error}")))?;
    match hash.is_blank() {
        true => Err(Problem::bad_request(format!("invalid signal: {BLANK}"))),
        false => Ok(hash),
    }
}

pub(super) async fn lookup(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    caller.must_see_distances()?;
    if let Some(url) = &asked.url {
        let upload = fetched(&app, &caller, &asked, url).await?;
        return look_up_file(&app, &caller, &asked, upload).await;
    }
    let told = look_up(&app, &caller, &asked).await?;
    Ok(answer(told.banks, told.left_out))
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
    let told = look_up(&app, &caller, &asked).await?;
    let contents = told.banks.into_values().flatten();
    let matches = match with_distance {
        true => json!(contents.collect::<Vec<_>>()),
        false => contents.map(|content| content.bank_content_id).collect(),
    };
    Ok(answer(json!({"matches": matches}), told.left_out))
}

async fn look_up(app: &App, caller: &Caller, asked: &Asked) -> Result<Told, Problem> {
    let (hash, telling) = (signal(asked)?, Telling::new(app, caller, asked));
    let told = app
        .pool
        .run(caller.0.number, Length::Short, move |context| {
            telling.check(context.generation)?;
            context.must_compare(hash.kind()).map_err(|why| Problem::nothing_to_compare_with(&why))?;
            let answers = context.scanner.look_up(&[hash]);
            if answers.iter().any(|answer| answer.is_kept_back) {
                return Err(Problem::nothing_to_compare_with(KEPT_BACK));
            }
            Ok(telling.tell(answers.iter().flat_map(|answer| &answer.matches), context.generation))
        })
        .await??;
    tell_hashes(app, caller, 1, u64::from(!told.banks.is_empty()));
    Ok(told)
}

pub(super) async fn lookup_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    caller.must_see_distances()?;
    let upload = upload(&app, &caller, &asked, request).await?;
    look_up_file(&app, &caller, &asked, upload).await
}

async fn look_up_file(
    app: &App,
    caller: &Caller,
    asked: &Asked,
    (read, signal): (Read, Kind),
) -> Result<Response, Problem> {
    let only = asked.types.as_ref().is_some_and(|types| !types.trim().is_empty()).then_some(signal);
    let telling = Telling::new(app, caller, asked);
    let (told, seen) = app
        .pool
        .run(caller.0.number, Length::Long, move |context| {
            let Read { bytes, share } = read;
            // As HMA does it: hashed, then each hash looked up.
            let record = context.scanner.examine_bytes("upload", &bytes);
            drop((bytes, share));
            (tell_file(context, &record, signal, only, &telling), own::Seen::new(&record))
        })
        .await?;
    seen.tell(app, caller);
    let (signals, left_out) = told?;
    Ok(answer(signals, left_out))
}

type Signals = BTreeMap<&'static str, Banks>;

/// The banks of each kind by which a file is known, and the kind that was asked for even if there are none: but only if
/// that was compared, since an empty answer reads as "no match".
fn tell_file(
    context: &Context<'_>,
    record: &Record,
    signal: Kind,
    only: Option<Kind>,
    telling: &Telling,
) -> Result<(Signals, usize), Problem> {
    telling.check(context.generation)?;
    let (mut signals, mut left_out) = (Signals::new(), 0);
    for kind in Kind::ALL.into_iter().filter(|kind| only.is_none_or(|only| only == *kind)) {
        let told = telling.tell(record.matches.iter().filter(|found| found.kind == kind), context.generation);
        left_out += told.left_out;
        if !told.banks.is_empty() {
            signals.insert(signal_name(kind), told.banks);
        }
    }
    match compared(context, record, signal) {
        Ok(()) => _ = signals.entry(signal_name(signal)).or_default(),
        Err(problem) if signals.is_empty() => return Err(problem),
        Err(_) => {}
    }
    Ok((signals, left_out))
}

/// Whether a file was compared by a kind of hash.
///
/// # Errors
/// Why not.
fn compared(context: &Context<'_>, record: &Record, kind: Kind) -> Result<(), Problem> {
    context.must_compare(kind).map_err(|why| Problem::nothing_to_compare_with(&why))?;
    let detail = record.problem.as_ref().map(|problem| problem.detail.as_str());
    let not_hashed = |why: &str| Err(Problem::bad_request(format!("the file cannot be hashed: {why}")));
    match (kind, record.outcome) {
        (Kind::Pdq, Outcome::Failed(Failure::Worker(_) | Failure::Internal)) => {
            Err(Problem::nothing_to_compare_with(detail.unwrap_or("the picture could not be examined")))
        }
        (Kind::Pdq, Outcome::UnmatchedExactOnly(ExactOnly::LowQuality)) => {
            not_hashed("the picture is too flat to be compared by likeness")
        }
        (Kind::Pdq, _) if record.pdq.is_none() => not_hashed(detail.unwrap_or("it is not a picture")),
        (Kind::Pdq, _) => Ok(()),
        _ if record.digests.iter().any(|digest| digest.kind() == kind) => Ok(()),
        _ => Err(Problem::nothing_to_compare_with("the file could not be read")),
    }
}

pub(super) async fn hash_url(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    let Some(url) = &asked.url else {
        return Err(Problem::bad_request("url is required; to have a file hashed, send it with POST"));
    };
    let upload = fetched(&app, &caller, &asked, url).await?;
    hash(&app, &caller, upload).await
}

pub(super) async fn hash_file(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    query: Asks,
    request: Request,
) -> Result<Response, Problem> {
    let asked = asked(query)?;
    let upload = upload(&app, &caller, &asked, request).await?;
    hash(&app, &caller, upload).await
}

async fn hash(app: &App, caller: &Caller, (read, signal): (Read, Kind)) -> Result<Response, Problem> {
    let hashed = app
        .pool
        .run(caller.0.number, Length::Long, move |context| {
            let Read { bytes, share } = read;
            let hashed = own::hash(&bytes, context);
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
