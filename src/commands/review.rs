//! `meshmode review`: one AdmissionReview answered on standard output, for debugging and for pipes.

use std::io::{Read, Write};
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use super::serve::active;
use super::{Outcome, complain, complain_of};
use crate::authorization::WhyUnknown;
use crate::config::{DEFAULT, Problems};
use crate::placement::facts::NoCluster;
use crate::placement::json::Raw;
use crate::webhook::active::{Active, Origin};
use crate::webhook::answer::{Answer, Outcome as Admission};
use crate::webhook::review::{self, NotAReview, Parsed};
use crate::webhook::route::{ROUTES, Route, Task};
use crate::webhook::{advise, mutate, validate};

/// What is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// The AdmissionReview that the API server would get.
    Review,
    /// The JSON patch, readable.
    Patch,
    /// The object as it would be stored.
    Object,
}

/// Flags of `meshmode review`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The file with the AdmissionReview, or - for standard input
    file: PathBuf,
    /// The configuration; without it the embedded default
    #[arg(long, env = "MESHMODE_CONFIG")]
    config: Option<PathBuf>,
    /// The route that answers; without it the one for the kind of the object
    #[arg(long, value_parser = route)]
    route: Option<Route>,
    /// What is printed
    #[arg(short, long, value_enum, default_value_t = Form::Review)]
    output: Form,
}

/// Answers the review.
///
/// # Errors
/// A file cannot be read, or standard output is gone.
pub fn run(args: &Args, out: &mut dyn Write) -> anyhow::Result<Outcome> {
    let body = body(args)?;
    let active = match configured(args)? {
        Ok(active) => active,
        Err(problems) => {
            complain_of(args.config.as_deref(), &problems);
            return Ok(Outcome::Invalid);
        }
    };
    match answer(&body, args.route, &active) {
        Ok(answer) => print(&answer, &body, args.output, out),
        Err(error) => {
            complain(&format!("{}: {error}", args.file.display()));
            Ok(Outcome::Invalid)
        }
    }
}

fn configured(args: &Args) -> anyhow::Result<Result<Active, Problems>> {
    let Some(file) = &args.config else {
        return Ok(active(DEFAULT.as_bytes(), Origin::EmbeddedDefault));
    };
    let content = std::fs::read(file)
        .with_context(|| format!("cannot read the configuration {}", file.display()))?;
    Ok(active(&content, Origin::File))
}

fn body(args: &Args) -> anyhow::Result<Vec<u8>> {
    if args.file.as_os_str() == "-" {
        let mut body = Vec::new();
        std::io::stdin()
            .lock()
            .read_to_end(&mut body)
            .context("cannot read standard input")?;
        return Ok(body);
    }
    std::fs::read(&args.file).with_context(|| format!("cannot read {}", args.file.display()))
}

fn answer<'a>(
    body: &'a [u8],
    route: Option<Route>,
    active: &'a Active,
) -> Result<Answer<'a>, NotAReview> {
    let route = route.map_or_else(|| route_for(body), Ok)?;
    let configuration = &active.configuration;
    let mut answer = match route.task {
        Task::Place => mutate::answer(body, &configuration.placement, &NoCluster, route.stance)
            .map(|placed| placed.answer),
        Task::Judge => {
            let settings = &configuration.authorization_policies;
            validate::answer(body, settings, &WhyUnknown::NoCluster, route.stance)
                .map(|judged| judged.answer)
        }
        Task::Advise => advise::answer(body, &configuration.placement, &NoCluster, route.stance)
            .map(|advised| advised.answer),
    }?;
    active.sign(&mut answer);
    Ok(answer)
}

/// The first route for the kind of the object; Pods' where there is none.
fn route_for(body: &[u8]) -> Result<Route, NotAReview> {
    let wanted = match review::parse::<Option<Raw<'_>>>(body)? {
        Parsed::Review(request) => task(&request.kind.kind),
        Parsed::Malformed(_) => Task::Place,
    };
    let route = ROUTES
        .into_iter()
        .map(|(_, route)| route)
        .find(|route| route.task == wanted);
    route.ok_or(NotAReview::NoRequest)
}

fn task(kind: &str) -> Task {
    match kind {
        "AuthorizationPolicy" => Task::Judge,
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob" => Task::Advise,
        _ => Task::Place,
    }
}

fn print(
    answer: &Answer<'_>,
    body: &[u8],
    form: Form,
    out: &mut dyn Write,
) -> anyhow::Result<Outcome> {
    let patch = match &answer.outcome {
        Admission::Patched(patch) => serde_json::from_slice(patch)?,
        Admission::Allowed | Admission::Refused { .. } => json_patch::Patch(Vec::new()),
    };
    match form {
        Form::Review => writeln!(out, "{}", String::from_utf8(answer.to_json())?)?,
        Form::Patch => writeln!(out, "{}", serde_json::to_string_pretty(&patch)?)?,
        Form::Object => {
            if let Admission::Refused { message } = &answer.outcome {
                bail!("the object is refused and would not be stored: {message}");
            }
            let mut review: Value = serde_json::from_slice(body)?;
            let mut object = review
                .pointer_mut("/request/object")
                .map(Value::take)
                .unwrap_or_default();
            json_patch::patch(&mut object, &patch)?;
            writeln!(out, "{object:#}")?;
        }
    }
    Ok(Outcome::Done)
}

fn route(path: &str) -> Result<Route, String> {
    Route::of(path).ok_or_else(|| format!("there are {}", ROUTES.map(|(path, _)| path).join(", ")))
}
