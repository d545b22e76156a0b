//! How long a review may take: the API server says when it gives up, and is to have an answer before.

use std::time::Duration;

use http::Uri;
use tokio::time::Instant;

/// When there is no time left to decide.
#[derive(Debug, Clone, Copy)]
pub struct Deadline {
    start: Instant,
    limit: Option<Duration>,
}

/// The API server rounds its seconds up: of 3 s it may give only a little more than 2. The rest is for the way there and
/// back.
const MARGIN: Duration = Duration::from_millis(1100);
/// Of a time so short that the margin would leave nothing, this share is used.
const SHARE: u32 = 2;

impl Deadline {
    /// That of a request for `uri`, which came now; none where its query has no `timeout`.
    pub fn of(uri: &Uri) -> Self {
        let timeout = uri.query().and_then(|query| {
            let mut parameters = query.split('&');
            let text = parameters.find_map(|parameter| parameter.strip_prefix("timeout="))?;
            humantime::parse_duration(text).ok()
        });
        Self {
            start: Instant::now(),
            limit: timeout.map(|timeout| {
                timeout
                    .saturating_sub(MARGIN)
                    .max(timeout.min(MARGIN * SHARE) / SHARE)
            }),
        }
    }

    /// How long is left of `wanted`.
    pub fn left_of(&self, wanted: Duration) -> Duration {
        self.left().map_or(wanted, |left| left.min(wanted))
    }

    /// How much of `wanted` may be spent on waiting: at least half of what is left stays for the rest.
    pub fn to_wait(&self, wanted: Duration) -> Duration {
        self.left().map_or(wanted, |left| wanted.min(left / 2))
    }

    /// Whether it is too late.
    pub fn is_over(&self) -> bool {
        self.left().is_some_and(|left| left.is_zero())
    }

    fn left(&self) -> Option<Duration> {
        let limit = self.limit?;
        Some(limit.saturating_sub(self.start.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[tokio::test(start_paused = true)]
    async fn the_api_server_is_answered_in_its_time() {
        let (wanted, elapsed) = (MS(5000), MS(500));
        for (path, at_first, later, to_wait) in [
            ("/mutate/pods", 5000, 5000, 5000),
            ("/mutate/pods?timeout=soon", 5000, 5000, 5000),
            ("/mutate/pods?timeout=30s", 5000, 5000, 5000),
            ("/mutate/pods?timeout=10s", 5000, 5000, 4200),
            ("/mutate/pods?a=b&timeout=3s", 1900, 1400, 700),
            ("/mutate/pods?timeout=2s&c=d", 1000, 500, 250),
            ("/mutate/pods?timeout=1s", 500, 0, 0),
            ("/mutate/pods?timeout=0s", 0, 0, 0),
        ] {
            let deadline = Deadline::of(&Uri::from_static(path));
            assert_eq!(deadline.left_of(wanted), MS(at_first), "{path}");
            tokio::time::advance(elapsed).await;
            assert_eq!(deadline.left_of(wanted), MS(later), "{path}");
            assert_eq!(deadline.to_wait(wanted), MS(to_wait), "{path}");
            assert_eq!(deadline.is_over(), later == 0, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_before_the_least_time_that_rounding_up_allows() {
        for seconds in 2..=30 {
            let uri: Uri = format!("/mutate?timeout={seconds}s").parse().unwrap();
            let limit = Deadline::of(&uri).left_of(Duration::MAX);
            let least = Duration::from_secs(seconds - 1);
            assert!(limit <= least, "{seconds} s: {limit:?}");
        }
    }
}
