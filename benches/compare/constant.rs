//! The floor that meshmode is held against: its own server, with all limits, and one route that reads the body and
//! answers a constant, but for the uid. It is this program again, started with [`FLAG`]; the released binary has no such
//! route.

use std::net::SocketAddr;
use std::num::NonZero;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::Response;
use axum::routing::post;
use http::StatusCode;
use meshmode::telemetry::metrics::Metrics;
use meshmode::tls::{ReloadingPair, server_config};
use meshmode::webhook::body::{self, MAX_BODY_TIME};
use meshmode::webhook::deadline::Deadline;
use meshmode::webhook::failure::json;
use meshmode::webhook::load::{self, Load};
use meshmode::webhook::server::worker::Workers;
use meshmode::webhook::server::{HEAD, IDLE, Limits, Patience, Served, serve};
use tokio::net::TcpListener;

/// It is followed by the address to listen on, and the folder of the certificate.
pub(crate) const FLAG: &str = "--constant";

/// Where it answers.
pub(crate) const PATH: &str = "/constant";

const ANSWER: &str = r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"allowed":true,"uid":""#;
/// Stands before the uid of a request, which API servers write first.
const UID: &[u8] = br#""uid":""#;

/// As `meshmode serve` has them without flags.
const LIMITS: Limits = Limits {
    connections: 2048,
    handshakes: 8,
};
const PATIENCE: Patience = Patience {
    handshake: Duration::from_secs(10),
    head: HEAD,
    idle: IDLE,
    delay: Duration::ZERO,
    shutdown: Duration::from_secs(10),
};

/// Serves until it is killed, where the arguments of this program ask for that; whether they did.
pub(crate) fn ran() -> bool {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, flag, listen, certs] = &*arguments
        && flag == FLAG
    {
        run(listen.parse().expect("an address"), Path::new(certs));
        return true;
    }
    false
}

fn run(listen: SocketAddr, certs: &Path) {
    let threads = std::thread::available_parallelism().unwrap_or(NonZero::<usize>::MIN);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let pair = ReloadingPair::load(certs.join("tls.crt"), certs.join("tls.key"));
    let tls = server_config(Arc::new(pair.expect("the certificate")), None).expect("TLS");
    let metrics = Arc::new(Metrics::default());
    let load = Arc::new(Load::new(load::Limits::default(), Arc::clone(&metrics)));
    let app = Router::new().route(PATH, post(answer)).with_state(load);
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await.expect("the port");
        let forever = std::future::pending();
        let served = Served {
            tls: Arc::new(tls),
            app,
            metrics,
            workers: Workers::start(threads).expect("threads"),
        };
        serve(listener, served, PATIENCE, LIMITS, forever).await;
    });
}

async fn answer(State(load): State<Arc<Load>>, request: Request) -> Response {
    let deadline = Deadline::of(request.uri());
    let body = body::read(request, deadline.left_of(MAX_BODY_TIME), &load).await;
    let body = body.expect("a body");
    let place = load.place().expect("a place");
    let answer = [ANSWER.as_bytes(), uid(&body.bytes), br#""}}"#].concat();
    let response = json(StatusCode::OK, answer);
    drop((place, body));
    response
}

/// The uid of a review: an API server takes no answer with another one.
fn uid(review: &[u8]) -> &[u8] {
    let start = memchr::memmem::find(review, UID).expect("a uid") + UID.len();
    let rest = &review[start..];
    &rest[..memchr::memchr(b'"', rest).expect("its end")]
}
