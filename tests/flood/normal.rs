//! A client as the API server is one: it keeps a connection, and opens another now and then.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use rustls_pki_types::ServerName;

use super::server::Server;

const REVIEW: &[u8] = include_bytes!("../data/reviews/pod-usual.json");

/// Between two reviews.
const PAUSE: Duration = Duration::from_millis(5);
/// So many reviews go over one connection, to one that is opened for it, handshake included.
const KEPT_TO_NEW: usize = 20;
/// As the webhook configurations give it.
const TIMEOUT: Duration = Duration::from_secs(3);

/// It asks until it is told to end.
pub(crate) struct Normal {
    stop: Arc<AtomicBool>,
    seen: Arc<Mutex<Seen>>,
    thread: JoinHandle<()>,
}

/// What it saw.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// How long each review on the kept connection took.
    pub(crate) kept: Vec<Duration>,
    /// How long each on a connection of its own.
    new: Vec<Duration>,
    pub(crate) errors: Vec<String>,
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

impl Normal {
    pub(crate) fn start(server: &Server) -> Self {
        let (stop, seen) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let (address, tls) = (server.webhook, Arc::clone(&server.tls));
        let thread = std::thread::spawn({
            let (stop, seen) = (Arc::clone(&stop), Arc::clone(&seen));
            move || ask_on(address, &tls, &stop, &seen)
        });
        Self { stop, seen, thread }
    }

    /// What it has seen until now.
    pub(crate) fn so_far(&self) -> Seen {
        self.seen.lock().unwrap().clone()
    }

    /// What it has seen when so much time is over.
    pub(crate) fn during(&self, time: Duration) -> Seen {
        std::thread::sleep(time);
        self.so_far()
    }

    /// Ends it.
    pub(crate) fn end(self) -> Seen {
        self.stop.store(true, Ordering::Release);
        self.thread.join().unwrap();
        self.seen.lock().unwrap().clone()
    }
}

fn ask_on(address: SocketAddr, tls: &Arc<ClientConfig>, stop: &AtomicBool, seen: &Mutex<Seen>) {
    let mut kept = connect(address, tls).unwrap();
    for count in 1_usize.. {
        if stop.load(Ordering::Acquire) {
            return;
        }
        let start = Instant::now();
        let answered = if count.is_multiple_of(KEPT_TO_NEW) {
            connect(address, tls).and_then(|mut new| ask(&mut new))
        } else {
            ask(&mut kept)
        };
        let took = start.elapsed();
        let mut seen = seen.lock().unwrap();
        match answered {
            Ok(()) if count.is_multiple_of(KEPT_TO_NEW) => seen.new.push(took),
            Ok(()) => seen.kept.push(took),
            Err(error) => seen.errors.push(format!("review {count}: {error}")),
        }
        drop(seen);
        std::thread::sleep(PAUSE);
    }
}

fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
    let name = ServerName::from(address.ip());
    let connection = ClientConnection::new(Arc::clone(tls), name).map_err(io::Error::other)?;
    let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
    socket.set_nodelay(true)?;
    socket.set_read_timeout(Some(TIMEOUT))?;
    Ok(StreamOwned::new(connection, socket))
}

fn ask(stream: &mut Stream) -> io::Result<()> {
    let head = format!(
        "POST /mutate/pods?timeout=3s HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n",
        REVIEW.len()
    );
    stream.write_all(&[head.as_bytes(), REVIEW].concat())?;
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&answer) {
        let read = stream.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        answer.extend_from_slice(&buffer[..read]);
    }
    if answer.starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(io::Error::other(String::from_utf8_lossy(&answer)))
}

/// Whether the body is as long as its head says.
fn is_whole(answer: &[u8]) -> bool {
    let text = String::from_utf8_lossy(answer);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.and_then(|length| length.parse().ok()) == Some(body.len())
}

// === impl Seen ===

impl Seen {
    /// How long 99 of 100 reviews took at most, on the connection that is kept.
    pub(crate) fn p99(&self) -> Duration {
        percentile(&self.kept, 99)
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = |durations, percent| percentile(durations, percent).as_secs_f64() * 1e3;
        write!(
            f,
            "{} normal reviews (p50 {:.2} ms, p99 {:.2} ms, worst {:.2} ms), {} on new connections (p50 {:.2} ms, \
             p99 {:.2} ms), {} errors",
            self.kept.len(),
            at(&self.kept, 50),
            at(&self.kept, 99),
            at(&self.kept, 100),
            self.new.len(),
            at(&self.new, 50),
            at(&self.new, 99),
            self.errors.len(),
        )
    }
}

fn percentile(durations: &[Duration], percent: usize) -> Duration {
    let mut sorted = durations.to_vec();
    sorted.sort();
    let last = sorted.len().saturating_sub(1);
    sorted
        .get(last * percent / 100)
        .copied()
        .unwrap_or_default()
}
