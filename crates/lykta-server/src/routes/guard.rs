//! What every request passes: who asks and may they, not too often, not too long; counted and told of.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::HOST;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::Sight;
use crate::app::App;
use crate::auth::{Client, Refused};
use crate::body::{Read, Room, drain};
use crate::operations::Operation;
use crate::problem::Problem;
use crate::scope::Scope;

/// Who asks, for handlers.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) Arc<Client>);

impl Caller {
    /// What the caller may see of matches.
    pub(crate) fn sight(&self, app: &App) -> Sight {
        Sight { details: self.0.may(Scope::Distance), matches: app.config.limits.matches }
    }

    /// Reads a body within the caller's room.
    pub(crate) async fn read(
        &self,
        app: &App,
        headers: &HeaderMap,
        body: Body,
        most: u64,
    ) -> Result<Read, Problem> {
        app.bodies.read(&self.0.room, headers, body, most).await
    }

    /// The memory for the caller's bodies.
    pub(crate) fn room(&self) -> &Room {
        &self.0.room
    }

    /// Takes what more than one lookup costs.
    pub(crate) fn take(&self, lookups: usize) -> Result<(), Problem> {
        self.0.take(lookups).map_err(Problem::rate)
    }

    /// For an answer whose shape has distances.
    pub(crate) fn must_see_distances(&self) -> Result<(), Problem> {
        match self.0.may(Scope::Distance) {
            true => Ok(()),
            false => Err(Problem::scope(Scope::Distance.name())),
        }
    }
}

pub(super) async fn guard(
    State((app, operation)): State<(Arc<App>, &'static Operation)>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let told = |client: Option<&Client>, mut response: Response| {
        tell(&app, (operation.method.as_str(), operation.path), client, response.status(), began);
        response.extensions_mut().insert(IsTold);
        response
    };
    let caller = match admit(&app, operation, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => {
            refuse(request).await;
            return told(None, problem.into_response());
        }
    };
    let name = caller.as_ref().map(|caller| Arc::clone(&caller.0));
    // A client without scope or lookups left is known, and its refusal is counted as its own.
    let response = match caller.as_ref().map_or(Ok(()), |caller| allow(caller, operation)) {
        Err(problem) => {
            refuse(request).await;
            problem.into_response()
        }
        Ok(()) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            let time = app.config.limits.request_time();
            match tokio::time::timeout(time, next.run(request)).await {
                Ok(response) => response,
                Err(_) => Problem::too_slow().into_response(),
            }
        }
    };
    if let Some(client) = &name {
        client.asked.requests.fetch_add(1, Relaxed);
        if response.status().is_client_error() || response.status() == StatusCode::SERVICE_UNAVAILABLE {
            client.asked.refused.fetch_add(1, Relaxed);
        }
    }
    told(name.as_deref(), response)
}

/// Reads away what a refused request still sends.
async fn refuse(request: Request) {
    let (parts, body) = request.into_parts();
    drain(&parts.headers, pin!(body)).await;
}

async fn admit(app: &App, operation: &Operation, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    if operation.scope.is_none() {
        return Ok(None);
    }
    if app.config.no_auth && !is_for_loopback(headers) {
        return Err(Problem::host());
    }
    match app.auth.client(headers).await {
        Ok(client) => Ok(Some(Caller(client))),
        Err(Refused::Unknown) => Err(Problem::unauthorised()),
        Err(Refused::Busy) => Err(Problem::busy()),
    }
}

/// Where no token is asked for, a page of another site in a browser on this computer must not be let in by a name that
/// its owner made lead here.
fn is_for_loopback(headers: &HeaderMap) -> bool {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    host.is_some_and(|host| {
        let name = host.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

fn allow(caller: &Caller, operation: &Operation) -> Result<(), Problem> {
    match operation.scope {
        Some(scope) if !caller.0.may(scope) => Err(Problem::scope(scope.name())),
        Some(_) => caller.take(1),
        None => Ok(()),
    }
}

/// Of an answer that was counted and told of.
#[derive(Clone, Copy)]
struct IsTold;

/// Counts, and tells of, what no operation answered: other paths and methods, and faults of this program.
pub(super) async fn tell_others(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let response = next.run(request).await;
    if response.extensions().get::<IsTold>().is_none() {
        tell(&app, ("-", "-"), None, response.status(), began);
    }
    response
}

/// The path as it is in the table and never as it was asked for: that may hold a hash.
fn tell(
    app: &App,
    (method, path): (&'static str, &'static str),
    client: Option<&Client>,
    status: StatusCode,
    began: Instant,
) {
    let time = began.elapsed();
    app.metrics.answered(path, status.as_u16(), time);
    let client = client.map_or("-", |client| client.name.as_str());
    let (status, ms) = (status.as_u16(), u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    if status >= 500 && app.may_warn() {
        tracing::warn!(method, path, client, status, ms, "request failed; at most one a second is told");
    } else if app.config.log.requests {
        tracing::info!(method, path, client, status, ms, "request");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_this_computer_are_for_loopback() {
        let of = |host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(HOST, host.parse().unwrap());
            is_for_loopback(&headers)
        };
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.9.9.9"] {
            assert!(of(host), "{host}");
        }
        for host in ["example.org", "127.0.0.1.example.org", "localhost.example.org", "192.0.2.1", "", "a b"]
        {
            assert!(!of(host), "{host}");
        }
        assert!(!is_for_loopback(&HeaderMap::new()));
    }
}
