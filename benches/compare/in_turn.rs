//! The 99th percentile of meshmode beside that of a constant answer, on a machine whose host has other guests: what these
//! take is a matter of seconds, and of one load in a hundred. So the two are asked in turn, for a moment each, and the median
//! of the moments counts.

use std::time::Duration;

use crate::open_loop::Client;
use crate::samples::{Row, Samples};
use crate::served;
use crate::shuffled::shuffled;
use crate::subject::{Site, Subject};
use crate::{RATES, REVIEWS};

/// The median of all moments' 99th percentiles.
pub(crate) const P99: &str = "p99 at 2,000/s, in turn, ms";

const BOTH: [Subject; 2] = [Subject::Meshmode, Subject::Constant];
/// Of 400 reviews, so that few are the first, for which nothing is in the caches.
const MOMENT: Duration = Duration::from_millis(200);
const MOMENTS: usize = 25;
/// The answers of 1000 that take longer.
const BEYOND: usize = 10;

/// Measures both, in processes that run at the same time on the same core; one of them is idle.
pub(crate) fn round(site: &Site, number: usize, samples: &mut Samples<Subject>) {
    for review in REVIEWS {
        let mut asked = BOTH.map(|subject| {
            let server = subject.start(site, review.bytes);
            let client = Client::of(&server, &site.tls).expect("handshakes");
            let request = served::request(&server.path(), review.bytes);
            (subject, server, client, request, Vec::new())
        });
        for moment in 0..=MOMENTS {
            for index in shuffled([0, 1], number + moment) {
                let (_, _, client, request, seen) = &mut asked[index];
                let latencies = client.run(request, RATES[0], MOMENT).expect("answers");
                // The first one warms up.
                if moment > 0 {
                    seen.push(latencies.beyond(BEYOND));
                }
            }
        }
        for (subject, _, _, _, mut seen) in asked {
            seen.sort_by(f64::total_cmp);
            let row = Row {
                of: review.name,
                what: P99,
            };
            samples.add(number, row, subject, seen[seen.len() / 2]);
        }
    }
}
