//! A flood against `meshmode serve`: connections that say nothing, or a byte a second, or break off; bodies of 7 MiB, and
//! reviews as no API server writes them. In between a normal client asks on, and is always answered.
//!
//! `cargo test` runs a tenth of it. `make flood` runs all of it against the released binary, and holds the figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a helper fails the test by panicking; the figures are printed"
)]

#[path = "flood/attack.rs"]
mod attack;
#[path = "flood/normal.rs"]
mod normal;
#[path = "flood/server.rs"]
mod server;
#[path = "flood/strange.rs"]
mod strange;

use std::time::{Duration, Instant};

use attack::Attack;
use normal::Normal;
use rustix::process::nice;
use server::Server;

/// The most that is resident before large bodies come, and with them.
const WITHOUT_BODIES: u64 = 64 << 20;
const WITH_BODIES: u64 = 320 << 20;
/// The most that 99 of 100 normal reviews wait.
const P99: Duration = Duration::from_millis(50);
/// Before the flood, on a machine that does nothing else. Where it is more, there is no measuring.
const CALM_P99: Duration = Duration::from_millis(4);
const CALM: Duration = Duration::from_secs(2);

/// The priority that is the last.
const LOWEST: i32 = 19;

/// How much of everything.
#[derive(Clone, Copy)]
struct Size {
    silent: usize,
    slow: usize,
    broken_off: usize,
    large: usize,
}

const WHOLE: Size = Size {
    silent: 2000,
    slow: 500,
    broken_off: 10_000,
    large: 200,
};
const TENTH: Size = Size {
    silent: 200,
    slow: 50,
    broken_off: 1000,
    large: 20,
};

#[test]
fn a_flood_harms_no_review() {
    let whole = std::env::var_os("MESHMODE_FLOOD").is_some();
    let size = if whole { WHOLE } else { TENTH };
    server::open_many_files();
    // Who floods has machines of his own: here his threads get what the server and its normal client leave.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .on_thread_start(|| assert_eq!(nice(LOWEST), Ok(LOWEST)))
        .enable_all()
        .build()
        .unwrap();
    let server = Server::start();
    let normal = Normal::start(&server);
    let attack = Attack::on(&server);
    let start = Instant::now();
    let calm = normal.during(CALM);
    println!("before: {calm}");
    let at_rest = server.most_resident();
    runtime.block_on(async {
        let held = attack.hold_silent(size.silent).await;
        report(&server, &normal, "connections that say nothing", start);
        let slow = attack.send_slowly(size.slow);
        attack.break_off(size.broken_off).await;
        report(&server, &normal, "handshakes broken off", start);
        attack.send(strange::reviews()).await;
        report(&server, &normal, "strange reviews", start);
        // All that began when the test did has run out of time by now, or does soon.
        attack.all_ended(slow).await;
        report(&server, &normal, "a byte a second, ended", start);
        let without_bodies = server.most_resident();
        let answers = attack.send_large(size.large).await;
        report(&server, &normal, "bodies of 7 MiB", start);
        println!("{answers:?}; at rest {} KiB", at_rest >> 10);
        assert_eq!(answers.count(), size.large, "{answers:?}");
        assert!(answers.answered > 0, "{answers:?}");
        drop(held);
        server.forgets_them().await;
        if server::is_released() {
            assert!(without_bodies < WITHOUT_BODIES, "{without_bodies} bytes");
            let with_bodies = server.most_resident();
            assert!(with_bodies < WITH_BODIES, "{with_bodies} bytes");
        }
    });
    let seen = normal.end();
    println!("{seen}");
    assert_eq!(
        seen.errors,
        [] as [&str; 0],
        "of {} reviews",
        seen.kept.len()
    );
    if server::is_released() && calm.p99() < CALM_P99 {
        assert!(seen.p99() < P99, "{seen}");
    } else {
        println!(
            "the 99th percentile is not held against {P99:?}: a debug build, or other work on this machine"
        );
    }
    server.has_not_panicked();
}

fn report(server: &Server, normal: &Normal, what: &str, start: Instant) {
    println!(
        "{:>5.1} s  {what}: at most {} KiB resident, {} connections; so far {}",
        start.elapsed().as_secs_f64(),
        server.most_resident() >> 10,
        server.sample("meshmode_connections"),
        normal.so_far(),
    );
}
