//! The second port on a thread and runtime of its own: while the webhook's threads are all busy, the kubelet
//! still hears that the process is alive, and Prometheus how busy it is.

use std::io;

use anyhow::Context as _;
use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::webhook::server::worker::Worker;

/// A thread that serves until this is dropped, which waits for its end; connections that are open then are closed.
#[derive(Debug)]
pub(super) struct Plain {
    serving: JoinHandle<io::Result<()>>,
    /// Dropped to stop it.
    _worker: Worker,
}

/// Its handlers write a few texts.
const STACK: usize = 1 << 20;

impl Plain {
    /// Serves `app` on `listener` from now on.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub(super) fn start(listener: TcpListener, app: Router) -> anyhow::Result<Self> {
        let (worker, listener) = Worker::of("status", STACK, listener)
            .context("cannot start the thread of the second port")?;
        let serving = worker
            .handle()
            .spawn(async move { axum::serve(listener, app).await });
        Ok(Self {
            serving,
            _worker: worker,
        })
    }

    /// Waits for an end that nobody asked for, and says why.
    pub(super) async fn ended(&mut self) -> String {
        match (&mut self.serving).await {
            Ok(Ok(())) => "no reason".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(error) => error.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpStream};
    use std::time::Duration;

    use std::sync::Arc;

    use arc_swap::ArcSwap;

    use super::*;
    use crate::config::DEFAULT;
    use crate::webhook::status::{Readiness, router};
    use crate::webhook::testing::active;

    const LONG: Duration = Duration::from_secs(10);

    async fn started() -> (Plain, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let active = Arc::new(ArcSwap::from_pointee(active(DEFAULT)));
        let app = router(Readiness::default(), Default::default(), active);
        (Plain::start(listener, app).unwrap(), address)
    }

    fn connect(address: SocketAddr) -> TcpStream {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream
    }

    #[tokio::test]
    async fn it_answers_while_every_thread_of_the_webhook_is_busy() {
        let (plain, address) = started().await;
        // This blocks the only thread of the runtime that the test runs on.
        let mut stream = connect(address);
        stream
            .write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        drop(plain);
    }

    #[tokio::test]
    async fn its_end_waits_for_no_client() {
        let (mut plain, address) = started().await;
        let mut open = connect(address);
        open.write_all(b"GET /livez HTTP/1.1\r\nhost: a\r\n\r\n")
            .unwrap();
        open.read_exact(&mut [0; 12]).unwrap();
        let early = tokio::time::timeout(Duration::from_millis(20), plain.ended()).await;
        assert!(early.is_err(), "it ended by itself: {early:?}");
        drop(plain);
        let refused = TcpStream::connect(address);
        assert!(refused.is_err(), "the listener is closed");
        let closed = open.read_to_end(&mut Vec::new());
        assert!(closed.is_ok(), "{closed:?}");
    }
}
