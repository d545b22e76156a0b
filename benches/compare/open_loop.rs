//! Reviews at a fixed rate, whatever becomes of those before: each has its time, and its answer is waited for from
//! that time on, also where it had to wait for a connection.
//!
//! One thread that never sleeps, on a core of its own: a timer would be late by as much as an answer takes. So nobody has to
//! wake it, which a server else pays for with each answer as long as it is the slower of the two: 1 to 4 µs here. Hence
//! also [`Client::saturated`], by which what servers take of their CPU is compared.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ClientConfig, ClientConnection};

use crate::served;
use crate::subject::Running;

/// As many as the API server keeps to a webhook.
pub(crate) const CONNECTIONS: usize = 25;

/// How much longer than planned a load may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long answers took, sorted.
pub(crate) struct Latencies(Vec<Duration>);

/// A connection, and what is under way on it.
struct Connection {
    tls: ClientConnection,
    socket: TcpStream,
    /// When the request was to be sent.
    due: Instant,
    answer: Vec<u8>,
}

/// All connections to one server.
pub(crate) struct Client(VecDeque<Connection>);

// === impl Client ===

impl Client {
    /// Connected, after the handshakes.
    ///
    /// # Errors
    /// One of them failed.
    pub(crate) fn of(server: &Running, tls: &Arc<ClientConfig>) -> io::Result<Self> {
        let all = (0..CONNECTIONS).map(|_| Connection::open(server, tls));
        all.collect::<io::Result<_>>().map(Self)
    }

    /// Sends `request` so often a second for `time`.
    ///
    /// # Errors
    /// An answer that is none, or not all came.
    pub(crate) fn run(
        &mut self,
        request: &[u8],
        rate: u32,
        time: Duration,
    ) -> io::Result<Latencies> {
        let every = Duration::from_secs(1) / rate;
        let count = time.as_nanos() / every.as_nanos();
        self.send(request, every, count, time + PATIENCE)
    }

    /// Sends `request` so often, on each connection as soon as it has the answer before.
    ///
    /// # Errors
    /// An answer that is none, or not all came.
    pub(crate) fn saturated(&mut self, request: &[u8], count: u64) -> io::Result<()> {
        let patience = Duration::from_secs(60);
        self.send(request, Duration::ZERO, count.into(), patience)
            .map(drop)
    }

    /// Sends `request` so often, one after the other at these times, and later where no connection is idle.
    fn send(
        &mut self,
        request: &[u8],
        every: Duration,
        count: u128,
        patience: Duration,
    ) -> io::Result<Latencies> {
        let Self(idle) = self;
        let mut busy: Vec<Connection> = Vec::with_capacity(CONNECTIONS);
        let mut latencies = Vec::new();
        let mut next = Instant::now() + every;
        let mut left = count;
        let give_up = next + patience;
        while left > 0 || !busy.is_empty() {
            let now = Instant::now();
            while left > 0
                && now >= next
                && let Some(mut connection) = idle.pop_front()
            {
                connection.send(request, next)?;
                busy.push(connection);
                next += every;
                left -= 1;
            }
            let mut at = 0;
            while at < busy.len() {
                if busy[at].is_answered()? {
                    let connection = busy.swap_remove(at);
                    latencies.push(connection.due.elapsed());
                    idle.push_back(connection);
                } else {
                    at += 1;
                }
            }
            if now > give_up {
                return Err(io::Error::other("too slow for this rate"));
            }
        }
        latencies.sort_unstable();
        Ok(Latencies(latencies))
    }
}

// === impl Connection ===

impl Connection {
    /// After its handshake.
    fn open(server: &Running, tls: &Arc<ClientConfig>) -> io::Result<Self> {
        let mut stream = server.connect(tls)?;
        stream.conn.complete_io(&mut stream.sock)?;
        stream.sock.set_nonblocking(true)?;
        Ok(Self {
            tls: stream.conn,
            socket: stream.sock,
            due: Instant::now(),
            answer: Vec::with_capacity(4096),
        })
    }

    fn send(&mut self, request: &[u8], due: Instant) -> io::Result<()> {
        self.due = due;
        self.answer.clear();
        self.tls.writer().write_all(request)?;
        while self.tls.wants_write() {
            match self.tls.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn is_answered(&mut self) -> io::Result<bool> {
        match self.tls.read_tls(&mut self.socket) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        self.tls.process_new_packets().map_err(io::Error::other)?;
        match self.tls.reader().read_to_end(&mut self.answer) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        if !served::is_whole(&self.answer) {
            return Ok(false);
        }
        served::is_ok(&self.answer)?;
        Ok(true)
    }
}

// === impl Latencies ===

impl Latencies {
    /// The answer that all but so many of 1000 were faster than, in milliseconds.
    pub(crate) fn beyond(&self, of_1000: usize) -> f64 {
        let place = self.0.len() * (1000 - of_1000) / 1000;
        let place = place.min(self.0.len() - 1);
        self.0[place].as_secs_f64() * 1e3
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}
