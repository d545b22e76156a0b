//! The body of a request: whole, in time, and said to be JSON; or why not.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest as _, Request};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};

/// The largest body: the API server takes objects up to 3 MiB, and a review of an UPDATE holds two.
pub const MAX_BODY_BYTES: usize = 7 << 20;

/// How long a body may take. The API server sends one at once, and waits 10 s for the whole answer unless
/// its configuration says otherwise: what takes longer is stuck, and would hold its connection for ever.
pub const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// Why there is no body to answer.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    /// Not JSON, by its own account.
    #[error("the content type is {0}; send application/json")]
    ContentType(String),
    /// Above [`MAX_BODY_BYTES`].
    #[error("the body is larger than {MAX_BODY_BYTES} bytes; an API server's reviews are smaller")]
    TooLarge,
    /// It stalled, or came in drops.
    #[error("the body was not there after {0:?}; send it at once")]
    Late(Duration),
    /// Such as chunks that are none.
    #[error("the body could not be read; send it as HTTP demands")]
    Broken(#[source] BytesRejection),
    /// The client is gone: there is nobody to tell.
    #[error("the client hung up before its body was there")]
    HungUp(#[source] BytesRejection),
}

/// The body of `request`, which has `deadline` to come. The limit of its size is that of the router.
///
/// # Errors
/// Why there is none.
pub async fn read(request: Request, deadline: Duration) -> Result<Bytes, Unreadable> {
    let wrong = wrong_content_type(request.headers());
    // Read in any case: a client that is still sending would not see the answer.
    let read = tokio::time::timeout(deadline, Bytes::from_request(request, &())).await;
    let body = match read {
        Ok(Ok(body)) => Ok(body),
        Ok(Err(rejection)) => Err(Unreadable::from(rejection)),
        Err(_) => Err(Unreadable::Late(deadline)),
    };
    match (wrong, body) {
        (Some(sent), Ok(_) | Err(Unreadable::TooLarge | Unreadable::Broken(_))) => {
            Err(Unreadable::ContentType(sent))
        }
        (_, body) => body,
    }
}

/// What was sent in place of `application/json`.
fn wrong_content_type(headers: &HeaderMap) -> Option<String> {
    let sent = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = sent
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    let right = media_type.is_some_and(|value| value.eq_ignore_ascii_case("application/json"));
    (!right).then(|| sent.unwrap_or("none").to_owned())
}

// === impl Unreadable ===

impl Unreadable {
    /// The code of the answer.
    pub const fn code(&self) -> StatusCode {
        match self {
            Self::ContentType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Broken(_) | Self::HungUp(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<BytesRejection> for Unreadable {
    fn from(rejection: BytesRejection) -> Self {
        if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            Self::TooLarge
        } else if hung_up(&rejection) {
            Self::HungUp(rejection)
        } else {
            Self::Broken(rejection)
        }
    }
}

/// Over HTTP/1.1 the cause is an error of the connection, or one of what was sent; over HTTP/2 a stream that
/// was reset, whose cause hyper does not show.
fn hung_up(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<std::io::Error>() {
            return !matches!(
                error.kind(),
                ErrorKind::InvalidInput | ErrorKind::InvalidData
            );
        }
        cause = error.source();
    }
    true
}
