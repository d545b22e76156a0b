//! One exchange with a Prometheus: directly, or through the API server. What came is handed on as it is.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::error::Cause;
use super::settings::{Settings, SettingsError};
use super::tls::{self, Broken};

/// Who is asked, and how it is reached.
pub(super) enum Transport {
    /// By its URL.
    Direct {
        /// Asks it.
        http: Box<HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>>,
        /// The URL, without `/` at its end.
        base: String,
    },
    /// By the API server's proxy.
    Proxied {
        /// Asks the API server.
        kube: Box<kube::Client>,
        /// The path of the service there, without `/` at its end.
        base: String,
    },
}

/// What came.
#[derive(Debug)]
pub(super) struct Reply {
    /// The status of HTTP.
    pub(super) status: u16,
    /// What the headers say that matters: `WWW-Authenticate`, or `Location`.
    pub(super) hint: Option<String>,
    /// The body.
    pub(super) body: Bytes,
}

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// More than any answer that makes sense: 20,000 Pods are 8 MiB.
const MAX_BODY: usize = 256 << 20;
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

// === impl Transport ===

impl Transport {
    /// By its URL.
    ///
    /// # Errors
    /// The settings cannot be used.
    pub(super) fn direct(settings: &Settings) -> Result<Self, SettingsError> {
        let base = settings.base()?.to_string();
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let connector = tls::connector(settings, connector)?;
        let http = HttpClient::builder(TokioExecutor::new()).build(connector);
        Ok(Self::Direct {
            http: Box::new(http),
            base: base.trim_end_matches('/').to_owned(),
        })
    }

    /// Posts a form to a path below the base.
    pub(super) async fn post(
        &self,
        path: &str,
        headers: &HeaderMap,
        form: &str,
        limit: Duration,
    ) -> Result<Reply, Broken> {
        let exchange = self.exchange(path, headers, form);
        let done = tokio::time::timeout(limit, exchange).await;
        done.unwrap_or(Err(Broken::TimedOut))
    }

    async fn exchange(&self, path: &str, headers: &HeaderMap, form: &str) -> Result<Reply, Broken> {
        match self {
            Self::Direct { http, base } => {
                let body = Full::new(Bytes::copy_from_slice(form.as_bytes()));
                let request = request(&format!("{base}{path}"), headers, body)?;
                let response = http
                    .request(request)
                    .await
                    .map_err(|error| broken(error.is_connect(), error.into()))?;
                reply(response).await
            }
            Self::Proxied { kube, base } => {
                let body = kube::client::Body::from(form.as_bytes().to_vec());
                let request = request(&format!("{base}{path}"), headers, body)?;
                let response = kube
                    .send(request)
                    .await
                    .map_err(|error| broken(true, error.into()))?;
                reply(response).await
            }
        }
    }
}

fn request<B>(uri: &str, headers: &HeaderMap, body: B) -> Result<Request<B>, Broken> {
    let uri = Uri::try_from(uri).map_err(|error| Broken::Unreachable(error.into()))?;
    let mut request = Request::new(body);
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = uri;
    request.headers_mut().clone_from(headers);
    request.headers_mut().insert(CONTENT_TYPE, FORM);
    let json = HeaderValue::from_static("application/json");
    request.headers_mut().insert(ACCEPT, json);
    Ok(request)
}

async fn reply<B>(response: Response<B>) -> Result<Reply, Broken>
where
    B: http_body::Body<Data = Bytes>,
    B::Error: Into<Cause>,
{
    let status = response.status().as_u16();
    let hint = hint(status, response.headers());
    let body = Limited::new(response.into_body(), MAX_BODY).collect().await;
    let body = body.map_err(|error| {
        if error.is::<LengthLimitError>() {
            Broken::TooLong
        } else {
            Broken::Cut(error)
        }
    })?;
    Ok(Reply {
        status,
        hint,
        body: body.to_bytes(),
    })
}

fn hint(status: u16, headers: &HeaderMap) -> Option<String> {
    let value = match status {
        401 => {
            let asked = headers.get(http::header::WWW_AUTHENTICATE)?.to_str().ok()?;
            asked.split_whitespace().next()?
        }
        300..=399 => {
            let to = headers.get(http::header::LOCATION)?.to_str().ok()?;
            // What follows may be a token.
            to.split('?').next()?
        }
        _ => return None,
    };
    Some(
        value
            .chars()
            .filter(|c| !c.is_control())
            .take(200)
            .collect(),
    )
}

fn broken(at_connect: bool, error: Cause) -> Broken {
    match tls::advice(error.as_ref()) {
        Some(advice) => Broken::Tls(advice, error),
        None if at_connect => Broken::Unreachable(error),
        None => Broken::Cut(error),
    }
}
