//! The HTTP of the webhook: a body in, an answer or a `Status` out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Instant;

use arc_swap::ArcSwap;
use axum::Router;
use axum::body::Body;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};

use super::answer::clean;
use super::review::{self, NotAReview};
use super::route::{ROUTES, Route, Task};
use super::{mutate, record, validate};
use crate::config::Configuration;
use crate::telemetry::metrics::{Metrics, Outcome};

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration in service, swapped as a whole when its file changes.
    pub configuration: Arc<ArcSwap<Configuration>>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
}

/// The largest body: the API server takes objects up to 3 MiB, and a review of an UPDATE holds two.
pub const MAX_BODY_BYTES: usize = 7 << 20;

/// The longest message of an error, in characters: it may repeat what was sent.
const MAX_MESSAGE: usize = 1024;

/// Decides about one body: the JSON of the answer.
type Decide = fn(&App, Route, &[u8]) -> Result<Vec<u8>, NotAReview>;

/// All routes of the webhook.
pub fn router(app: App) -> Router {
    with(app, decide)
}

fn with(app: App, decide: Decide) -> Router {
    let mut router = Router::new();
    for (path, route) in ROUTES {
        let handler = move |State(app): State<App>, headers, body| async move {
            respond(&app, route, &headers, body, decide)
        };
        router = router.route(path, post(handler));
    }
    router
        .method_not_allowed_fallback(async |method: Method| {
            let message = format!("{method} is not allowed; POST an AdmissionReview");
            status(StatusCode::METHOD_NOT_ALLOWED, &message)
        })
        .fallback(async |uri: Uri| {
            let paths = ROUTES.map(|(path, _)| path).join(", ");
            status(
                StatusCode::NOT_FOUND,
                &format!("{} is no route; there are {paths}", uri.path()),
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
        .with_state(app)
}

fn respond(
    app: &App,
    route: Route,
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
    decide: Decide,
) -> Response {
    let start = Instant::now();
    let (outcome, response) = match readable(headers, body) {
        Ok(body) => guarded(app, route, &body, decide),
        Err((code, message)) => (Outcome::Rejected, status(code, &message)),
    };
    record::served(&app.metrics, route, outcome, start.elapsed());
    response
}

fn readable(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Bytes, (StatusCode, String)> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = content_type
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if !media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json")) {
        let sent = content_type.unwrap_or("none");
        let message = format!("the content type is {sent}; send application/json");
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    body.map_err(|rejection| {
        let code = rejection.status();
        let message = if code == StatusCode::PAYLOAD_TOO_LARGE {
            format!("the body is larger than {MAX_BODY_BYTES} bytes")
        } else {
            format!("the body could not be read: {}", rejection.body_text())
        };
        (code, message)
    })
}

/// No decision, no answer: a panic becomes a 500, so that the webhook's failurePolicy decides.
fn guarded(app: &App, route: Route, body: &[u8], decide: Decide) -> (Outcome, Response) {
    match catch_unwind(AssertUnwindSafe(|| decide(app, route, body))) {
        Ok(Ok(json)) => (Outcome::Answered, json_response(StatusCode::OK, json)),
        Ok(Err(error)) => {
            record::rejected(route, &error);
            (
                Outcome::Rejected,
                status(StatusCode::BAD_REQUEST, &error.to_string()),
            )
        }
        Err(_) => {
            let uid = review::uid(body).unwrap_or_default();
            record::panicked(route, &uid);
            let message = format!("meshmode failed on review {uid}; its log says where");
            (
                Outcome::Panicked,
                status(StatusCode::INTERNAL_SERVER_ERROR, &message),
            )
        }
    }
}

fn decide(app: &App, route: Route, body: &[u8]) -> Result<Vec<u8>, NotAReview> {
    let configuration = app.configuration.load();
    match route.task {
        Task::Place => {
            let placed = mutate::answer(body, &configuration.placement, route.stance)?;
            record::placed(&app.metrics, route, &placed);
            Ok(placed.answer.to_json())
        }
        Task::Judge => {
            let judged =
                validate::answer(body, &configuration.authorization_policies, route.stance)?;
            record::judged(&app.metrics, route, &judged);
            Ok(judged.answer.to_json())
        }
    }
}

/// An error as the API server writes its own, so that its clients show the message.
fn status(code: StatusCode, message: &str) -> Response {
    let status = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": clean(&format!("meshmode: {message}"), MAX_MESSAGE),
        "code": code.as_u16(),
    });
    json_response(code, status.to_string().into_bytes())
}

fn json_response(code: StatusCode, json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = code;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}

#[cfg(test)]
mod tests;
