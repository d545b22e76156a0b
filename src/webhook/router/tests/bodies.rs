//! Bodies that do not come as an API server sends them.

use std::io::ErrorKind;

use bytes::Bytes;

/// A body of unknown length.
pub(super) struct Chunks(pub(super) std::collections::VecDeque<Bytes>);

impl axum::body::HttpBody for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(
            self.0
                .pop_front()
                .map(|chunk| Ok(hyper::body::Frame::data(chunk))),
        )
    }
}

/// A body that is never whole: after `chunk` it says nothing more, or `chunk` again every second.
pub(super) struct Endless {
    pub(super) chunk: Option<Bytes>,
    pub(super) pause: Option<tokio::time::Interval>,
}

impl axum::body::HttpBody for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        if let Some(pause) = &mut self.pause {
            std::task::ready!(pause.poll_tick(context));
            return std::task::Poll::Ready(
                self.chunk
                    .clone()
                    .map(|chunk| Ok(hyper::body::Frame::data(chunk))),
            );
        }
        match self.chunk.take() {
            Some(chunk) => std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(chunk)))),
            None => std::task::Poll::Pending,
        }
    }
}

/// A body that ends with an error.
pub(super) struct Broken(pub(super) ErrorKind);

impl axum::body::HttpBody for Broken {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(Some(Err(std::io::Error::from(self.0))))
    }
}
