//! `meshmode roi`: what the hybrid mesh saves, or costs.

mod candidates;
mod cluster;
mod flags;
mod older;
mod store;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::runtime::{Builder, Runtime};

use self::cluster::Known;
use self::flags::{Possible, Prometheus};
use super::explain::flags::{Which, colour};
use super::simulate::cluster::ConfigMapName;
use super::simulate::config_map;
use super::{Outcome, complain, complain_of, configuration};
use crate::cluster::connect::{self, Tries};
use crate::placement::Rules;
use crate::prometheus::settings::SettingsError;
use crate::prometheus::{self, Client, KnownPods, Partial, Request, discover};
use crate::report::Report;
use crate::savings::assumptions::Assumptions;
use crate::savings::candidates::{Candidates, Fate, Keep};
use crate::savings::measured::WorkloadName;
use crate::savings::prices::{OPENCOST_GIB_HOUR, OPENCOST_VCPU_HOUR, Pricing, UnitPrices};
use crate::savings::{Account, Basis, account};
use crate::telemetry::logs::chain;

/// What `--help` says at its end.
const AFTER_HELP: &str = "\
Examples:
  # A Prometheus that the cluster of the current context has, found by its Service; what the placement rules say of
  # each workload decides what could be ambient
  meshmode roi --cluster

  # A Prometheus alone, here a Mimir with several clusters in it; two namespaces and a workload keep their sidecars,
  # and a namespace needs a waypoint
  meshmode roi --prometheus-url https://mimir.example.com/prometheus --header X-Scope-OrgID=team-a \\
    --bearer-token-file token --matcher 'cluster=\"prod\"' --window 30d \\
    --keep-sidecar legacy --keep-sidecar shop/checkout --waypoint shop

  # In a pipeline: a page for people, last week's report to compare with, and exit code 1 where less than 500 a month
  # would be saved
  meshmode roi --cluster --pricing prices.yaml --compare last-week.json --fail-under 500 -o html > roi.html

Exit codes:
  0  done
  1  the saving is below --fail-under
  2  wrong input
  3  failed, and no figure is printed: no Prometheus, no right to ask it, no data, partial data, a cluster that does not
     answer

docs/roi.md describes what is measured, what is assumed, and each field of the report.";

/// Into how many parts the window is cut: a week into parts of six hours.
const SLOTS: usize = 28;

/// The form of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people.
    Text,
    /// Everything, in the form of docs/roi.schema.json.
    Json,
    /// The same as YAML.
    Yaml,
    /// A row a namespace.
    Csv,
    /// For a pull request or a wiki.
    Markdown,
    /// A page with charts, in one file.
    Html,
}

/// What proxies are counted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum By {
    /// What the scheduler reserves, and the cloud bills.
    Requests,
    /// What is used.
    Usage,
    /// The larger of both, container by container.
    Max,
}

/// Flags of `meshmode roi`.
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub struct Args {
    #[command(flatten)]
    prometheus: Prometheus,
    #[command(flatten)]
    measuring: Measuring,
    #[command(flatten, next_help_heading = "Cluster")]
    which: Which,
    /// The configuration whose rules say which workloads could be ambient; without it the embedded default
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(flatten)]
    possible: Possible,
    #[command(flatten)]
    money: Money,
    #[command(flatten)]
    output: Output,
}

/// What is measured.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "What is measured")]
#[group(skip)]
struct Measuring {
    /// How long a time is looked at
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration, default_value = "7d")]
    window: Duration,
    /// Between two samples; without it 5m, and longer where the window is longer than a week
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    step: Option<Duration>,
    /// The end of the window; without it now
    #[arg(long, value_name = "RFC3339")]
    at: Option<Timestamp>,
    /// What every series must have, such as cluster="prod"; may be repeated
    #[arg(long, value_name = "MATCHER")]
    matcher: Vec<String>,
    /// The label by which clusters are told apart
    #[arg(long, value_name = "NAME", default_value = "cluster")]
    cluster_label: String,
    /// What proxies are counted by
    #[arg(long, value_enum, default_value_t = By::Requests)]
    basis: By,
}

/// What things cost.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Prices")]
#[group(skip)]
struct Money {
    /// Prices of machines, in a file (docs/roi.md); or a preset: opencost, quoted-m6i
    #[arg(long, value_name = "FILE|PRESET", conflicts_with_all = ["price_vcpu_hour", "price_gib_hour"])]
    pricing: Option<String>,
    /// A vCPU for an hour; without it OpenCost's 0.031611 USD
    #[arg(long, value_name = "PRICE", value_parser = amount)]
    price_vcpu_hour: Option<f64>,
    /// A GiB of memory for an hour; without it OpenCost's 0.004237 USD
    #[arg(long, value_name = "PRICE", value_parser = amount)]
    price_gib_hour: Option<f64>,
    /// The currency of these two
    #[arg(
        long,
        value_name = "CODE",
        default_value = "USD",
        conflicts_with = "pricing"
    )]
    currency: String,
}

/// What is made of it.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Output")]
#[group(skip)]
struct Output {
    /// Form of the output
    #[arg(short = 'o', long = "output", value_enum, default_value_t = Form::Text)]
    form: Form,
    /// An older report (-o json), to say what has changed since; may be repeated for a trend over weeks
    #[arg(long, value_name = "OLD.json")]
    compare: Vec<PathBuf>,
    /// End with exit code 1 where less than this could be saved in a month
    #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
    fail_under: Option<f64>,
    /// Also keep the report in this ConfigMap of the cluster, which must be there
    #[arg(long, value_name = "NAMESPACE/NAME", value_parser = config_map, conflicts_with = "replay")]
    store_in: Option<ConfigMapName>,
    /// How many reports are kept there
    #[arg(
        long,
        value_name = "NUMBER",
        default_value_t = 12,
        requires = "store_in"
    )]
    store_last: usize,
}

/// Makes the report.
///
/// # Errors
/// No figure can be had that could be believed, a file cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    made(args, out).or_else(|error| {
        if !is_wrong_input(&error) {
            return Err(error);
        }
        complain(&chain(&*error));
        Ok(Outcome::Invalid)
    })
}

fn made(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let configuration = match configuration(args.config.as_deref())? {
        Ok(configuration) => configuration,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    let given = args.money.pricing().and_then(|pricing| {
        let older = older::read(&args.output.compare);
        Ok((pricing, older?))
    });
    let (pricing, older) = match given {
        Ok(given) => given,
        Err(mistake) => {
            complain(&format!("{mistake:#}"));
            return Ok(Outcome::Invalid);
        }
    };
    let known = match &args.prometheus.replay {
        Some(folder) => Known::replayed(folder)?,
        None if args.asks_cluster() => Some(args.known(&configuration.placement)?),
        None => None,
    };
    let runtime = runtime()?;
    let client = runtime.block_on(args.client())?;
    if let (Some(folder), Some(known)) = (&args.prometheus.record, &known) {
        known.record(folder)?;
    }
    let address = known.as_ref().map(|known| known.address.clone());
    let (pods, fates) = known.map(Known::into_parts).unzip();
    let request = args.request(pods);
    let measured = runtime.block_on(prometheus::measure(&client, &request))?;
    let account = account(&measured, &args.assumptions(pricing, address, fates))?;
    args.print(&account, &older, out)?;
    if let Some(name) = &args.output.store_in {
        let key = runtime.block_on(args.store(name, &account))?;
        complain(&format!("kept as {key} in {name}"));
    }
    let missed = |least: f64| account.saving.central < least;
    Ok(if args.output.fail_under.is_some_and(missed) {
        Outcome::Found
    } else {
        Outcome::Done
    })
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// The rules' answers, where nobody has named a workload as one that keeps its sidecar.
fn kept(mut fates: BTreeMap<WorkloadName, Fate>, keeps: &[Keep]) -> BTreeMap<WorkloadName, Fate> {
    for (workload, fate) in &mut fates {
        if let Some(keep) = keeps.iter().find(|keep| keep.matches(workload)) {
            *fate = Fate::Keeps {
                mode: "sidecar".to_owned(),
                rule: "--keep-sidecar".to_owned(),
                reason: format!("named as one that keeps its sidecar ({keep})"),
            };
        }
    }
    fates
}

/// Whether a flag has to be written otherwise. A file that cannot be read is no such mistake.
fn is_wrong_input(error: &anyhow::Error) -> bool {
    match error.downcast_ref() {
        Some(prometheus::Error::Settings(
            SettingsError::Unreadable { .. } | SettingsError::NoSystemCa,
        ))
        | None => false,
        Some(error) => matches!(error, prometheus::Error::Settings(_)),
    }
}

fn amount(text: &str) -> Result<f64, String> {
    let amount: Option<f64> = text.parse().ok();
    amount
        .filter(|amount| amount.is_finite() && *amount >= 0.0)
        .ok_or_else(|| "allowed: a number that is not below 0, such as 0.0316".to_owned())
}

// === impl Args ===

impl Args {
    /// Whether the cluster is asked for more than its Prometheus. Where no Prometheus is named it is looked for there.
    fn asks_cluster(&self) -> bool {
        self.which.is_named() || self.prometheus.prometheus_url.is_none()
    }

    /// # Errors
    /// The cluster cannot be read.
    fn known(&self, rules: &Rules) -> anyhow::Result<Known> {
        let known = Known::of(&self.which, rules, self.prometheus.timeout);
        if self.which.is_named() {
            return known;
        }
        known.context(
            "without --prometheus-url the cluster is asked, for its Prometheus and for what could be ambient, which fails",
        )
    }

    /// Who is asked.
    async fn client(&self) -> anyhow::Result<Client> {
        let flags = &self.prometheus;
        let client = match (&flags.replay, &flags.prometheus_url) {
            (Some(folder), _) => Client::replay(folder)?,
            (None, Some(url)) => Client::direct(&flags.settings(url))?,
            (None, None) => self.discovered().await?,
        };
        Ok(match &flags.record {
            Some(folder) => client.recording(folder)?,
            None => client,
        })
    }

    /// The Prometheus of the cluster: from a Pod by its name, else through the API server.
    async fn discovered(&self) -> anyhow::Result<Client> {
        let found = cluster::connect(&self.which, self.prometheus.timeout, Tries::One).await?;
        let discover::Found { service, others } = discover::find(&found.client).await?;
        complain(&format!("asking the Prometheus {service} of the cluster"));
        if !others.is_empty() {
            let others: Vec<String> = others.iter().map(ToString::to_string).collect();
            let others = others.join(", ");
            complain(&format!(
                "not asked, though they look like one: {others} (--prometheus-url names another)"
            ));
        }
        Ok(match found.way {
            connect::Way::FromInside => Client::direct(&self.prometheus.settings(&service.url()))?,
            connect::Way::FromOutside => {
                Client::through(found.client, &service, &self.prometheus.manner())?
            }
        })
    }

    fn request(&self, pods: Option<KnownPods>) -> Request {
        let measuring = &self.measuring;
        Request {
            now: measuring.at.unwrap_or_else(Timestamp::now),
            window: measuring.window,
            step: measuring.step,
            slots: SLOTS,
            matchers: measuring.matcher.clone(),
            cluster_label: measuring.cluster_label.clone(),
            partial: if self.prometheus.allow_partial {
                Partial::Allow
            } else {
                Partial::Refuse
            },
            basis: measuring.basis.basis(),
            pods,
        }
    }

    fn assumptions(
        &self,
        pricing: Pricing,
        address: Option<String>,
        fates: Option<BTreeMap<WorkloadName, Fate>>,
    ) -> Assumptions {
        let keeps = &self.possible.keep_sidecar;
        let candidates = match fates {
            Some(fates) => Candidates::ByRules(kept(fates, keeps)),
            None => Candidates::AllBut(keeps.clone()),
        };
        let version = env!("CARGO_PKG_VERSION");
        let matchers = self.measuring.matcher.join(", ");
        Assumptions {
            cluster: Some(matchers).filter(|it| !it.is_empty()).or(address),
            basis: self.measuring.basis.basis(),
            pricing,
            waypoints: self.possible.waypoints(),
            sidecar: self.possible.sidecar_request,
            ztunnel: self.possible.ztunnel_request,
            nodes: self.possible.nodes.map(f64::from),
            ..Assumptions::new(version, Timestamp::now(), candidates)
        }
    }

    fn print(
        &self,
        account: &Account,
        older: &[Account],
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let report = Report::new(account, older);
        match self.output.form {
            Form::Text => write!(out, "{}", report.text(colour()))?,
            Form::Json => writeln!(out, "{}", report.json()?)?,
            Form::Yaml => write!(out, "{}", report.yaml()?)?,
            Form::Csv => write!(out, "{}", report.csv())?,
            Form::Markdown => write!(out, "{}", report.markdown())?,
            Form::Html => write!(out, "{}", report.html()?)?,
        }
        Ok(())
    }

    async fn store(&self, name: &ConfigMapName, account: &Account) -> anyhow::Result<String> {
        let found = cluster::connect(&self.which, self.prometheus.timeout, Tries::Many).await?;
        store::store(&found.client, name, account, self.output.store_last).await
    }
}

// === impl Money ===

impl Money {
    /// # Errors
    /// A file that cannot be read or has a mistake, a word that is no preset.
    fn pricing(&self) -> anyhow::Result<Pricing> {
        match self.pricing.as_deref() {
            None => Ok(self.unit()),
            Some("opencost") => Ok(Pricing::open_cost()),
            Some("quoted-m6i") => Ok(Pricing::quoted_m6i()),
            Some(file) if flags::is_file(file) => {
                let text = std::fs::read_to_string(file)
                    .with_context(|| format!("cannot read the prices of {file}"))?;
                Ok(Pricing::read(file, &text)?)
            }
            Some(word) => anyhow::bail!(
                "--pricing {word} is neither a file nor a preset; presets are opencost and quoted-m6i"
            ),
        }
    }

    fn unit(&self) -> Pricing {
        let (vcpu, gib) = (self.price_vcpu_hour, self.price_gib_hour);
        let source = match (vcpu, gib) {
            (None, None) => return Pricing::open_cost(),
            (Some(_), Some(_)) => "--price-vcpu-hour and --price-gib-hour",
            (Some(_), None) => "--price-vcpu-hour; memory at OpenCost's default in USD",
            (None, Some(_)) => "--price-gib-hour; vCPU at OpenCost's default in USD",
        };
        Pricing::Unit(UnitPrices {
            vcpu_hour: vcpu.unwrap_or(OPENCOST_VCPU_HOUR),
            gib_hour: gib.unwrap_or(OPENCOST_GIB_HOUR),
            currency: self.currency.clone(),
            source: source.to_owned(),
            warning: None,
        })
    }
}

// === impl By ===

impl By {
    const fn basis(self) -> Basis {
        match self {
            Self::Requests => Basis::Requests,
            Self::Usage => Basis::Usage,
            Self::Max => Basis::Max,
        }
    }
}
