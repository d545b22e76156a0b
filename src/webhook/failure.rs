//! Answers that are none to a review: a `Status`, as the API server writes its own, so that its clients show the message.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};

use super::answer::clean;

/// The longest message of an error, in characters: it may repeat what was sent.
const MAX_MESSAGE: usize = 1024;

/// An answer with this code, and a `Status` that says `message`.
pub fn status(code: StatusCode, message: &str) -> Response {
    let status = serde_json::json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": clean(&format!("meshmode: {message}"), MAX_MESSAGE),
        "code": code.as_u16(),
    });
    json(code, status.to_string().into_bytes())
}

/// [`status`] of a server that has too much to do: worth to be asked again in a second.
pub fn overloaded(message: &str) -> Response {
    let mut response = status(StatusCode::SERVICE_UNAVAILABLE, message);
    let headers = response.headers_mut();
    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    response
}

/// An answer with this code and JSON.
pub fn json(code: StatusCode, json: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = code;
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    response
}
