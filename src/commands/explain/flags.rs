//! What all of `meshmode explain` has in common: where to look, and the form of the output.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;

use super::cluster::{Ask, Facts};
use crate::report::page::Colour;

/// Which cluster is looked at, and for how long.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(in crate::commands) struct Where {
    #[command(flatten)]
    which: Which,
    /// How long the cluster may take to answer, and then to be read
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "10s")]
    timeout: Duration,
}

/// Which cluster is looked at.
#[derive(Debug, clap::Args)]
#[group(skip)]
pub(in crate::commands) struct Which {
    /// Look at the cluster of the current context
    #[arg(long)]
    cluster: bool,
    /// The kubeconfig of the cluster; without it that of KUBECONFIG, or ~/.kube/config
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig; without it the current one
    #[arg(long, value_name = "NAME")]
    context: Option<String>,
    /// The namespace that Istio is installed in, with ConfigMap `istio`
    #[arg(long, value_name = "NAMESPACE", default_value = "istio-system")]
    istio_namespace: String,
}

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Form {
    /// For people.
    Text,
    /// A list with an entry for each object, in the order of the input.
    Json,
    /// The same as YAML.
    Yaml,
}

// === impl Where ===

impl Where {
    /// Whether a cluster was asked for.
    pub(in crate::commands) fn is_named(&self) -> bool {
        self.which.is_named()
    }

    /// What is asked of it.
    pub(in crate::commands) fn ask<'a>(
        &'a self,
        namespace: Option<&'a str>,
        facts: Facts,
    ) -> Ask<'a> {
        self.which.ask(namespace, facts, self.timeout)
    }
}

// === impl Which ===

impl Which {
    /// Whether a cluster was asked for.
    pub(in crate::commands) fn is_named(&self) -> bool {
        self.cluster || self.kubeconfig.is_some() || self.context.is_some()
    }

    /// What is asked of it.
    pub(in crate::commands) fn ask<'a>(
        &'a self,
        namespace: Option<&'a str>,
        facts: Facts,
        timeout: Duration,
    ) -> Ask<'a> {
        Ask {
            kubeconfig: self.kubeconfig.as_deref(),
            context: self.context.as_deref(),
            namespace,
            istio_namespace: &self.istio_namespace,
            timeout,
            facts,
        }
    }
}

// === impl Form ===

impl Form {
    /// Prints a page for people, or the entries.
    pub(super) fn print<T: Serialize>(
        self,
        page: impl FnOnce(Colour) -> String,
        entries: impl FnOnce() -> Vec<T>,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        match self {
            Self::Text => write!(out, "{}", page(colour()))?,
            Self::Json => writeln!(out, "{}", serde_json::to_string_pretty(&entries())?)?,
            Self::Yaml => write!(out, "{}", serde_saphyr::to_string(&entries())?)?,
        }
        Ok(())
    }
}

/// On a terminal only, and as `NO_COLOR` and `CLICOLOR` say.
pub(in crate::commands) fn colour() -> Colour {
    match AutoStream::choice(&std::io::stdout()) {
        ColorChoice::Always | ColorChoice::AlwaysAnsi => Colour::Ansi,
        ColorChoice::Auto | ColorChoice::Never => Colour::None,
    }
}
