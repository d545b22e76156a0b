//! The HTTP of the webhook: a body in, an answer or a `Status` out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use bytes::Bytes;
use http::{Method, StatusCode, Uri};
use tokio::sync::oneshot;
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use super::active::Active;
use super::body::{self, MAX_BODY_TIME, Unreadable};
use super::deadline::Deadline;
use super::failure::{self, status};
use super::load::{self, Load, Turn};
use super::mutate::Remember;
use super::review::{self, NotAReview};
use super::route::{ROUTES, Route, Task};
use super::waiting::{Awaited, Waited};
use super::{advise, mutate, record, validate};
use crate::authorization::FactsSource;
use crate::placement::facts::Source;
use crate::telemetry::metrics::{Metrics, Outcome};

/// What the handlers share.
#[derive(Debug, Clone)]
pub struct App {
    /// The configuration in service, swapped as a whole when its file changes.
    pub configuration: Arc<ArcSwap<Active>>,
    /// What is known of the cluster.
    pub facts: Arc<dyn FactsSource>,
    /// The same, for Pods.
    pub cluster: Arc<dyn Source>,
    /// The metrics.
    pub metrics: Arc<Metrics>,
    /// What is in flight.
    pub load: Arc<Load>,
}

/// Decides about one body.
type Decide = fn(&App, Route, &[u8], Attempt) -> Result<Decided, NotAReview>;

/// What comes of a body.
enum Decided {
    /// The JSON of the answer.
    Answer(Vec<u8>),
    /// It is to be decided again when these are there.
    Wait(Awaited),
}

/// How often a body was decided about.
#[derive(Clone, Copy)]
enum Attempt {
    First,
    /// After a wait.
    Last(Waited),
}

/// What comes of a body, whatever that does.
enum Guarded {
    Done(Outcome, Response),
    Wait(Awaited),
}

/// All routes of the webhook.
pub fn router(app: App) -> Router {
    with(app, decide, MAX_BODY_TIME)
}

fn with(app: App, decide: Decide, body_deadline: Duration) -> Router {
    let mut router = Router::new();
    for (path, route) in ROUTES {
        record::serves(&app.metrics, route);
        let handler = move |State(app): State<App>, request: Request| async move {
            respond(&app, route, request, decide, body_deadline).await
        };
        router = router.route(path, post(handler));
        record::serves(&app.metrics, route);
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
        .with_state(app)
}

async fn respond(
    app: &App,
    route: Route,
    request: Request,
    decide: Decide,
    body_deadline: Duration,
) -> Response {
    let unanswered = Unanswered::new(app, route);
    let deadline = Deadline::of(request.uri());
    let body = body::read(request, deadline.left_of(body_deadline), &app.load).await;
    let start = Instant::now();
    let (outcome, response) = match body {
        Ok(body) => answered(app, route, &body.bytes, decide, &deadline).await,
        Err(error) => refused(route, &error, &deadline),
    };
    unanswered.served(outcome, start.elapsed());
    response
}

/// The answer to a request without a body.
fn refused(route: Route, error: &Unreadable, deadline: &Deadline) -> (Outcome, Response) {
    let outcome = match error {
        Unreadable::HungUp(_) => {
            record::hung_up(route, error);
            Outcome::Aborted
        }
        Unreadable::NoMemory(_) => return overloaded(route, &error.to_string()),
        Unreadable::Late(_) if deadline.is_over() => return late(route),
        Unreadable::ContentType(_)
        | Unreadable::TooLarge
        | Unreadable::Late(_)
        | Unreadable::Broken(_) => {
            record::unreadable(route, error.code(), error);
            Outcome::Rejected
        }
    };
    (outcome, status(error.code(), &error.to_string()))
}

fn overloaded(route: Route, why: &str) -> (Outcome, Response) {
    record::overloaded(route, why);
    (Outcome::Overloaded, failure::overloaded(why))
}

/// While the API server still listens: it counts a 503 as what it is, and would count a decision that it does not hear.
fn late(route: Route) -> (Outcome, Response) {
    record::late(route);
    let message = format!("there was no time left to decide; {}", record::WHY_LATE);
    let code = StatusCode::SERVICE_UNAVAILABLE;
    (Outcome::Late, status(code, &message))
}

/// Decides, and where an object is on the way that a placement needs, once more when it is there.
async fn answered(
    app: &App,
    route: Route,
    body: &Bytes,
    decide: Decide,
    deadline: &Deadline,
) -> (Outcome, Response) {
    // Before its place: those that wait for their turn are bounded by their memory, and keep no small one from a place.
    let Ok(mut turn) = turn(app, body, deadline).await else {
        return late(route);
    };
    let Ok(_place) = app.load.place() else {
        return overloaded(
            route,
            "there are --max-reviews reviews in flight; ask again",
        );
    };
    let mut attempt = Attempt::First;
    loop {
        if deadline.is_over() {
            return late(route);
        }
        let decided = match turn {
            None => guarded(app, route, body, decide, attempt),
            Some(turn) => apart(app, route, body, decide, attempt, turn).await,
        };
        match decided {
            Guarded::Done(outcome, response) => return (outcome, response),
            Guarded::Wait(awaited) => {
                let wanted = app.configuration.load().configuration.placement.owner_wait;
                let waited = awaited.wait(&*app.cluster, deadline.to_wait(wanted)).await;
                record::waited(&app.metrics, waited);
                attempt = Attempt::Last(waited);
            }
        }
        turn = match self::turn(app, body, deadline).await {
            Ok(turn) => turn,
            Err(_) => return late(route),
        };
    }
}

/// The turn of a large body, when it comes; a small one needs none. An error where the time is over before.
async fn turn(app: &App, body: &Bytes, deadline: &Deadline) -> Result<Option<Turn>, Elapsed> {
    if body.len() <= load::SMALL {
        return Ok(None);
    }
    let turn = app.load.turn();
    let turn = timeout(deadline.left_of(Duration::MAX), turn).await?;
    Ok(Some(turn))
}

/// Decides on a thread of its own: all other reviews of this one would wait for a large body. Who asks may be gone before it
/// ends: then nobody hears of what was decided, and its turn, with the body, ends all the same.
async fn apart(
    app: &App,
    route: Route,
    body: &Bytes,
    decide: Decide,
    attempt: Attempt,
    turn: Turn,
) -> Guarded {
    let (tell, told) = oneshot::channel();
    let thread = std::thread::Builder::new().name("large-review".to_owned());
    let started = thread.spawn({
        let (app, body) = (app.clone(), body.clone());
        move || {
            let guarded = guarded(&app, route, &body, decide, attempt);
            drop(turn);
            drop(tell.send(guarded));
        }
    });
    match started {
        Ok(_) => told.await.unwrap_or_else(|_| panicked(route, body)),
        // There is no thread to be had: better late than not.
        Err(_) => guarded(app, route, body, decide, attempt),
    }
}

/// A request that has no answer yet: one that is dropped (over HTTP/2 that is how a client that hangs up is
/// noticed) is counted too.
struct Unanswered<'a> {
    app: &'a App,
    route: Route,
    served: bool,
}

impl<'a> Unanswered<'a> {
    const fn new(app: &'a App, route: Route) -> Self {
        Self {
            app,
            route,
            served: false,
        }
    }

    fn served(mut self, outcome: Outcome, duration: Duration) {
        self.served = true;
        record::served(&self.app.metrics, self.route, outcome, duration);
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.served {
            record::dropped(&self.app.metrics, self.route);
        }
    }
}

/// No decision, no answer: a panic becomes a 500, so that the webhook's failurePolicy decides.
fn guarded(app: &App, route: Route, body: &[u8], decide: Decide, attempt: Attempt) -> Guarded {
    let decided = catch_unwind(AssertUnwindSafe(|| decide(app, route, body, attempt)));
    let (outcome, response) = match decided {
        Ok(Ok(Decided::Wait(awaited))) => return Guarded::Wait(awaited),
        Ok(Ok(Decided::Answer(json))) => (Outcome::Answered, failure::json(StatusCode::OK, json)),
        Ok(Err(error)) => {
            record::rejected(route, &error);
            (
                Outcome::Rejected,
                status(StatusCode::BAD_REQUEST, &error.to_string()),
            )
        }
        Err(_) => return panicked(route, body),
    };
    Guarded::Done(outcome, response)
}

fn panicked(route: Route, body: &[u8]) -> Guarded {
    let uid = review::uid(body).unwrap_or_default();
    record::panicked(route, &uid);
    let message = format!("meshmode failed on review {uid}; its log says where");
    let response = status(StatusCode::INTERNAL_SERVER_ERROR, &message);
    Guarded::Done(Outcome::Panicked, response)
}

fn decide(app: &App, route: Route, body: &[u8], attempt: Attempt) -> Result<Decided, NotAReview> {
    let active = app.configuration.load();
    let (configuration, stance) = (&active.configuration, route.stance);
    let mut answer = match route.task {
        Task::Place => {
            let placed = mutate::answer(body, &configuration.placement, &*app.cluster, stance)?;
            let waited = match attempt {
                Attempt::Last(waited) => Some(waited),
                Attempt::First => match Awaited::among(&placed.missing) {
                    Some(awaited) => return Ok(Decided::Wait(awaited)),
                    None => None,
                },
            };
            record::placed(&app.metrics, route, &placed, waited);
            if let Some(Remember { revision, decided }) = placed.remember {
                app.cluster.remember(&revision, decided);
            }
            placed.answer
        }
        Task::Judge => {
            let settings = &configuration.authorization_policies;
            let judged = validate::answer(body, settings, &*app.facts, stance)?;
            record::judged(&app.metrics, route, &judged);
            judged.answer
        }
        Task::Advise => {
            let advised = advise::answer(body, &configuration.placement, &*app.cluster, stance)?;
            record::advised(route, &advised);
            advised.answer
        }
    };
    active.sign(&mut answer);
    Ok(Decided::Answer(answer.to_json()))
}

#[cfg(test)]
mod tests;
