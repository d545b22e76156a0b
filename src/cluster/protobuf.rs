//! Asks the API server for protobuf where it has much to tell, and hands on as JSON what of it is read.
//!
//! Nearly all the time until the facts of a large cluster are there is the API server's, which writes JSON: of 100,000
//! Pods' metadata 5 s, in protobuf 2 s. kube reads JSON only, so the events of a watch are translated on their way to it,
//! and what nobody looks at (`managedFields`, templates, status) is left out there. Lists stay as they are.

mod events;
mod message;

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::BoxError;
use axum::body::Body;
use bytes::Bytes;
use futures_util::TryFutureExt;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use http_body::{Body as HttpBody, Frame};
use tower::{Layer, Service};

use self::events::Answer;

const JSON: &str = "application/json";
/// `ContentTypeProtobuf` of `k8s.io/apimachinery/pkg/runtime`.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
/// How metadata alone is asked for.
const METADATA: &str = "as=PartialObjectMetadata";

/// Kinds of which there may be so many that the form counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Many {
    /// Of Pods no more than the metadata is translated.
    Pods,
    /// Deployments and StatefulSets.
    Scaled,
}

/// Puts a client's watches of many objects into protobuf.
#[derive(Clone, Copy, Debug)]
pub struct Protobuf;

/// A client of which that is done.
#[derive(Debug)]
pub struct Asking<S>(S);

/// The body of an answer in protobuf, as JSON.
struct Translated<B> {
    body: Pin<Box<B>>,
    answer: Answer,
}

// === impl Many ===

impl Many {
    /// Whether such a request is for a watch of many objects.
    fn of<B>(request: &Request<B>) -> Option<Self> {
        let uri = request.uri();
        let mut parameters = uri.query()?.split('&');
        parameters.find(|parameter| *parameter == "watch=true")?;
        match uri.path().rsplit('/').next()? {
            "pods" => Some(Self::Pods),
            "deployments" | "statefulsets" => Some(Self::Scaled),
            _ => None,
        }
    }

    /// What to accept instead of `accepted`: protobuf of the same, and that where there is none.
    fn accepts(self, accepted: &str) -> Option<HeaderValue> {
        let of_it = accepted.strip_prefix(JSON)?;
        match self {
            Self::Pods if !of_it.contains(METADATA) => None,
            Self::Pods | Self::Scaled => {
                HeaderValue::try_from(format!("{PROTOBUF}{of_it}, {accepted}")).ok()
            }
        }
    }
}

fn ask<B>(request: &mut Request<B>) {
    let many = Many::of(request);
    let accepted = request
        .headers()
        .get(ACCEPT)
        .and_then(|value| value.to_str().ok());
    if let Some(accepts) = many
        .zip(accepted)
        .and_then(|(many, accepted)| many.accepts(accepted))
    {
        request.headers_mut().insert(ACCEPT, accepts);
    }
}

fn translate<B>(response: Response<B>) -> Response<Body>
where
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    if !is_protobuf(response.headers()) {
        return response.map(Body::new);
    }
    let answer = match response.status() {
        StatusCode::OK => Answer::events(),
        _ => Answer::object(),
    };
    let (mut head, body) = response.into_parts();
    head.headers
        .insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    let body = Translated {
        body: Box::pin(body),
        answer,
    };
    Response::from_parts(head, Body::new(body))
}

fn is_protobuf(headers: &HeaderMap) -> bool {
    headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(PROTOBUF.as_bytes()))
}

// === impl Protobuf ===

impl<S> Layer<S> for Protobuf {
    type Service = Asking<S>;

    fn layer(&self, inner: S) -> Asking<S> {
        Asking(inner)
    }
}

// === impl Asking ===

impl<S, A, B> Service<Request<A>> for Asking<S>
where
    S: Service<Request<A>, Response = Response<B>>,
    S::Future: Send + 'static,
    B: HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<A>) -> Self::Future {
        ask(&mut request);
        Box::pin(self.0.call(request).map_ok(translate))
    }
}

// === impl Translated ===

impl<B> HttpBody for Translated<B>
where
    B: HttpBody<Data = Bytes>,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let json = match ready!(self.body.as_mut().poll_frame(context)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => self.answer.read(&data),
                    // Trailers.
                    Err(_) => continue,
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                None => match self.answer.end() {
                    Ok(rest) if rest.is_empty() => return Poll::Ready(None),
                    rest => rest,
                },
            };
            match json {
                Ok(json) if json.is_empty() => {}
                json => return Poll::Ready(Some(json.map(Frame::data).map_err(BoxError::from))),
            }
        }
    }
}

#[cfg(test)]
mod tests;
