//! Which requests are changed, and what comes back through the layer.

use futures_util::FutureExt;
use http_body_util::{BodyExt, StreamBody};
use tower::service_fn;

use super::*;

const PODS: &[u8] = include_bytes!("../../../tests/data/watch/pods.pb");

fn request(uri: &str, accept: &str) -> Request<()> {
    Request::get(uri).header(ACCEPT, accept).body(()).unwrap()
}

#[test]
fn watches_of_many_objects_are_asked_for_in_protobuf() {
    let metadata = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
    let of_metadata = format!(
        "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, {metadata}"
    );
    let whole = "application/vnd.kubernetes.protobuf, application/json";
    #[rustfmt::skip]
    let rows = [
        ("/api/v1/pods?&watch=true&timeoutSeconds=290", metadata, &*of_metadata),
        ("/api/v1/namespaces/shop/pods?watch=true", metadata, &of_metadata),
        ("/apis/apps/v1/deployments?&watch=true", JSON, whole),
        ("/apis/apps/v1/statefulsets?&watch=true&sendInitialEvents=true", JSON, whole),
        // Whole Pods are not translated.
        ("/api/v1/pods?watch=true", JSON, JSON),
        ("/api/v1/pods?limit=1000", metadata, metadata),
        ("/apis/apps/v1/deployments", JSON, JSON),
        ("/apis/apps/v1/deployments?labelSelector=watch%3Dtrue", JSON, JSON),
        ("/apis/networking.istio.io/v1/sidecars?watch=true", JSON, JSON),
        ("/api/v1/namespaces/pods?watch=true", "text/plain", "text/plain"),
    ];
    for (uri, accepted, expected) in rows {
        let mut request = request(uri, accepted);
        ask(&mut request);
        assert_eq!(request.headers()[ACCEPT], expected, "{uri}");
    }
    let mut request = Request::get("/api/v1/pods?watch=true").body(()).unwrap();
    ask(&mut request);
    assert_eq!(request.headers().get(ACCEPT), None);
}

/// What comes through the layer of an answer of this type.
fn through(content_type: &'static str, pieces: &'static [&'static [u8]]) -> Response<Body> {
    let inner = service_fn(move |_: Request<()>| async move {
        let frames = pieces
            .iter()
            .map(|piece| Ok::<_, BoxError>(Frame::data(Bytes::from_static(piece))));
        let body = StreamBody::new(futures_util::stream::iter(frames));
        Response::builder()
            .header(CONTENT_TYPE, content_type)
            .body(body)
    });
    let request = request("/apis/apps/v1/deployments?watch=true", JSON);
    let response = Protobuf.layer(inner).call(request);
    response.now_or_never().unwrap().unwrap()
}

fn text(response: Response<Body>) -> Result<Bytes, String> {
    let collected = response.into_body().collect().now_or_never().unwrap();
    collected
        .map(|body| body.to_bytes())
        .map_err(|error| error.to_string())
}

#[test]
fn an_answer_in_protobuf_is_handed_on_as_json() {
    let (first, second) = PODS.split_at(1000);
    let pieces: &'static [&'static [u8]] = Vec::leak(vec![first, second]);
    let response = through("application/vnd.kubernetes.protobuf;stream=watch", pieces);
    assert_eq!(response.headers()[CONTENT_TYPE], JSON);
    let lines = text(response).unwrap();
    assert_eq!(lines.iter().filter(|byte| **byte == b'\n').count(), 6);
    assert!(lines.starts_with(b"{\"type\":\"ADDED\",\"object\":{\"apiVersion\""));
}

#[test]
fn an_answer_that_is_cut_off_is_an_error() {
    let pieces: &'static [&'static [u8]] = Vec::leak(vec![&PODS[..1000]]);
    let response = through("application/vnd.kubernetes.protobuf;stream=watch", pieces);
    let error = text(response).unwrap_err();
    assert_eq!(
        error,
        "the answer ends within an event, after 1000 bytes of it"
    );
}

#[test]
fn another_answer_is_left_as_it_is() {
    let response = through(JSON, &[b"{\"kind\":", b" \"Status\"}"]);
    assert_eq!(text(response).unwrap(), "{\"kind\": \"Status\"}");
}
