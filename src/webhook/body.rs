//! The body of a request: whole, in time, and said to be JSON; or why not.

use std::error::Error;
use std::io::ErrorKind;
use std::time::Duration;

use axum::body::BodyDataStream;
use axum::extract::Request;
use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use http::{HeaderMap, StatusCode, header};
use tokio::time::timeout;

use super::load::{Load, Memory};
use crate::telemetry::metrics::Overload;

/// The largest body: the API server takes objects up to 3 MiB, and a review of an UPDATE holds two.
pub const MAX_BODY_BYTES: usize = 7 << 20;

/// How long a body may take. The API server sends one at once, and waits 10 s for the whole answer unless
/// its configuration says otherwise: what takes longer is stuck, and would hold its connection for ever.
pub const MAX_BODY_TIME: Duration = Duration::from_secs(10);

/// How long a client whose body is refused may pause: one that is still sending would not see the answer.
const REFUSED_BODY_PAUSE: Duration = Duration::from_secs(5);

/// A whole body.
#[derive(Debug)]
pub struct Body<'a> {
    /// What was sent.
    pub bytes: Bytes,
    /// Until it is dropped, the bytes count.
    pub memory: Memory<'a>,
}

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
    /// There is no memory for it now.
    #[error(
        "the bodies in flight take all of --max-body-memory; ask again, or let it have more if this lasts"
    )]
    NoMemory(Overload),
    /// Such as chunks that are none.
    #[error("the body could not be read; send it as HTTP demands")]
    Broken(#[source] axum::Error),
    /// The client is gone: there is nobody to tell.
    #[error("the client hung up before its body was there")]
    HungUp(#[source] axum::Error),
}

/// The body of `request`, which has `deadline` to come, in the memory that `load` has for it.
///
/// # Errors
/// Why there is none. What is refused is read all the same, and not kept: a client that is still sending would not see the
/// answer.
pub async fn read(
    request: Request,
    deadline: Duration,
    load: &Load,
) -> Result<Body<'_>, Unreadable> {
    let headers = request.headers();
    let wrong = wrong_content_type(headers).map(Unreadable::ContentType);
    let announced = announced(headers);
    let asks_first = headers.contains_key(header::EXPECT);
    let mut stream = request.into_body().into_data_stream();
    let memory = wrong.map_or_else(|| Ok(load.memory(announced)?), Err);
    let refused = match memory {
        Ok(memory) => match timeout(deadline, keep(&mut stream, announced, memory)).await {
            Ok(Ok(body)) => return Ok(body),
            Ok(Err(refused @ Unreadable::NoMemory(_))) => refused,
            Ok(Err(why)) => return Err(why),
            Err(_) => return Err(Unreadable::Late(deadline)),
        },
        Err(refused) => refused,
    };
    if asks_first {
        return Err(refused);
    }
    match timeout(deadline, discard(&mut stream)).await {
        Ok(Err(gone @ Unreadable::HungUp(_))) => Err(gone),
        Ok(Ok(()) | Err(_)) | Err(_) => Err(refused),
    }
}

/// How long the body will be, by its head; 0 where that does not tell.
fn announced(headers: &HeaderMap) -> usize {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    length.unwrap_or(0).min(MAX_BODY_BYTES)
}

async fn keep<'a>(
    stream: &mut BodyDataStream,
    announced: usize,
    mut memory: Memory<'a>,
) -> Result<Body<'a>, Unreadable> {
    let first = stream.try_next().await?.unwrap_or_default();
    memory.grow(first.len())?;
    let Some(mut next) = stream.try_next().await? else {
        // As it came: most are one piece.
        return whole(first, memory);
    };
    let mut bytes = BytesMut::with_capacity(announced);
    bytes.extend_from_slice(&first);
    drop(first);
    loop {
        let length = bytes.len() + next.len();
        if length > MAX_BODY_BYTES {
            return Err(Unreadable::TooLarge);
        }
        memory.grow(length)?;
        bytes.extend_from_slice(&next);
        match stream.try_next().await? {
            Some(more) => next = more,
            None => return whole(bytes.freeze(), memory),
        }
    }
}

fn whole(bytes: Bytes, memory: Memory<'_>) -> Result<Body<'_>, Unreadable> {
    if bytes.len() > MAX_BODY_BYTES {
        return Err(Unreadable::TooLarge);
    }
    Ok(Body { bytes, memory })
}

/// Reads to the end, or to what is too much, or to a pause, and keeps nothing.
async fn discard(stream: &mut BodyDataStream) -> Result<(), Unreadable> {
    let mut length = 0;
    while let Ok(next) = timeout(REFUSED_BODY_PAUSE, stream.try_next()).await {
        let Some(bytes) = next? else {
            return Ok(());
        };
        length += bytes.len();
        if length > MAX_BODY_BYTES {
            return Err(Unreadable::TooLarge);
        }
    }
    Ok(())
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
            Self::NoMemory(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Broken(_) | Self::HungUp(_) => StatusCode::BAD_REQUEST,
        }
    }
}

impl From<Overload> for Unreadable {
    fn from(overload: Overload) -> Self {
        Self::NoMemory(overload)
    }
}

impl From<axum::Error> for Unreadable {
    fn from(error: axum::Error) -> Self {
        if hung_up(&error) {
            Self::HungUp(error)
        } else {
            Self::Broken(error)
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
