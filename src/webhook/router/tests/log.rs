//! What a test logs.

use std::cell::RefCell;
use std::io::Write;
use std::sync::Once;

use crate::telemetry::logs::Json;

/// What this thread logs from its start on. One subscriber for the process, as a second one of a thread makes
/// tracing forget what the first wants to see.
pub(super) struct Log;

struct Writer;

thread_local! {
    static LOGGED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOGGED.with_borrow_mut(|logged| Write::write(logged, bytes))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// In the form that `meshmode serve --log-format json` has.
    pub(super) fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let builder = tracing_subscriber::fmt()
                .with_max_level(tracing::Level::INFO)
                .with_writer(|| Writer)
                .event_format(Json);
            tracing::subscriber::set_global_default(builder.finish()).unwrap();
        });
        LOGGED.take();
        Self
    }

    #[expect(
        clippy::unused_self,
        reason = "there is a log only once it was started"
    )]
    pub(super) fn text(&self) -> String {
        String::from_utf8(LOGGED.with_borrow(Clone::clone)).unwrap()
    }
}
