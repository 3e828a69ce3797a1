//! What every request passes: who asks and may they, not too often, not too long; counted and told of.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::answer::Sight;
use crate::app::App;
use crate::auth::{Client, Refused, Scope};
use crate::operations::Operation;
use crate::problem::Problem;

/// Who asks, for handlers.
#[derive(Clone)]
pub(crate) struct Caller(pub(crate) Arc<Client>);

impl Caller {
    /// What the caller may see of matches.
    pub(crate) fn sight(&self, app: &App) -> Sight {
        Sight { details: self.0.may(Scope::Distance), matches: app.config.limits.matches }
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
    let caller = match admit(&app, operation, request.headers()).await {
        Ok(caller) => caller,
        Err(problem) => {
            let response = problem.into_response();
            tell(&app, operation, None, response.status(), began);
            return response;
        }
    };
    let name = caller.as_ref().map(|caller| Arc::clone(&caller.0));
    // A client without scope or lookups left is known, and its refusal is counted as its own.
    let response = match caller.as_ref().map_or(Ok(()), |caller| allow(caller, operation)) {
        Err(problem) => problem.into_response(),
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
    tell(&app, operation, name.as_deref(), response.status(), began);
    response
}

async fn admit(app: &App, operation: &Operation, headers: &HeaderMap) -> Result<Option<Caller>, Problem> {
    if operation.scope.is_none() {
        return Ok(None);
    }
    match app.auth.client(headers).await {
        Ok(client) => Ok(Some(Caller(client))),
        Err(Refused::Unknown) => Err(Problem::unauthorised()),
        Err(Refused::Busy) => Err(Problem::busy()),
    }
}

fn allow(caller: &Caller, operation: &Operation) -> Result<(), Problem> {
    match operation.scope {
        Some(scope) if !caller.0.may(scope) => Err(Problem::scope(scope.name())),
        Some(_) => caller.take(1),
        None => Ok(()),
    }
}

/// The path as it is in the table and never as it was asked for: that may hold a hash.
fn tell(app: &App, operation: &Operation, client: Option<&Client>, status: StatusCode, began: Instant) {
    let time = began.elapsed();
    app.metrics.answered(operation.path, status.as_u16(), time);
    let (method, path) = (operation.method.as_str(), operation.path);
    let client = client.map_or("-", |client| client.name.as_str());
    let (status, ms) = (status.as_u16(), u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    if status >= 500 {
        tracing::warn!(method, path, client, status, ms, "request failed");
    } else if app.config.log.requests {
        tracing::info!(method, path, client, status, ms, "request");
    }
}
