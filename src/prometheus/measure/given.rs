//! What a request asks for, or the recording that answers it.

use crate::prometheus::Request;
use crate::prometheus::client::Client;
use crate::prometheus::error::Error;
use crate::prometheus::grid::{Grid, default_step};
use crate::prometheus::record::About;

/// What is asked for, or was when it was recorded.
pub(super) fn about(client: &Client, request: &Request) -> Result<About, Error> {
    if let Some(replay) = client.replayed() {
        return Ok(replay.about(&request.matchers)?.clone());
    }
    let step = request.step.unwrap_or_else(|| default_step(request.window));
    let grid = Grid::new(request.now, request.window, step, request.slots)?;
    let about = About {
        end: grid.end(),
        window_seconds: request.window.as_secs(),
        step_seconds: step.as_secs(),
        slots: request.slots,
        matchers: request.matchers.clone(),
        cluster_label: request.cluster_label.clone(),
    };
    if let Some(record) = client.record() {
        record.about(&about)?;
    }
    Ok(about)
}
