//! Clusters in a real Prometheus.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::model::Cluster;
use super::openmetrics;
use super::truth::Span;
use crate::support::prometheus::{Blocks, Prometheus};

/// Writes clusters as metrics, and makes blocks of them.
pub(crate) fn blocks(clusters: &[Cluster], data: Span) -> Blocks {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut text = BufWriter::new(File::create(file.path()).unwrap());
    for cluster in clusters {
        openmetrics::write(cluster, data, &mut text).unwrap();
    }
    writeln!(text, "# EOF").unwrap();
    text.into_inner().unwrap();
    Blocks::of(file.path())
}

/// A Prometheus that has them.
pub(crate) async fn prometheus(clusters: &[Cluster], data: Span) -> Prometheus {
    let every = format!("{}s", clusters[0].scraped.every);
    // Making blocks takes seconds.
    let blocks = tokio::task::block_in_place(|| blocks(clusters, data));
    Prometheus::start(&blocks, &every, &[], "").await
}
