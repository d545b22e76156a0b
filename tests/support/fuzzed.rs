//! What must hold for any text as an expression and for any bytes as a review: the bodies of the fuzz targets in
//! `fuzz/`, and of the tests of `tests/fuzzed.rs`. Each panics where it does not hold.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use json_patch::Patch;
use meshmode::authorization::facts::{Fact, Population, Target};
use meshmode::authorization::{
    AuthorizationPolicy, Facts as PolicyFacts, FactsSource, Mesh, WhyUnknown,
};
use meshmode::cluster::convert::Opened;
use meshmode::config::{Configuration, DEFAULT, read};
use meshmode::placement::admission_policy::{FailurePolicy, policy};
use meshmode::placement::expression::{Expression, ExpressionError};
use meshmode::placement::facts::source::{
    Believed, Connection, Decided, Namespace, Reason, Requirement, Scope, Siblings, Waypoint,
    Workload,
};
use meshmode::placement::facts::{Missing, NoCluster, Owner, Resource, Source};
use meshmode::placement::json::{self, Depth, Object};
use meshmode::placement::labels::Labels;
use meshmode::placement::outcome::Istio;
use meshmode::placement::rules::{self, Gives, ModeLabels, OnUnknown, Rule, Rules, Variable};
use meshmode::placement::workload::{RevisionRef, WorkloadRef};
use meshmode::placement::{Facts, Mode, Pod, decide, selector};
use meshmode::webhook::answer::{Answer, Outcome};
use meshmode::webhook::review::{self, NotAReview};
use meshmode::webhook::stance::Stance;
use meshmode::webhook::{advise, mutate, validate};
use serde_json::Value;

/// Values of each kind that JSON has, in maps and lists, of which some are no number or text for everybody.
const POD: &str = r#"{
  "apiVersion": "v1", "kind": "Pod",
  "metadata": {
    "generateName": "web-5d8f9c7b6d-", "namespace": "shop", "name": null,
    "labels": {"app": "web", "pod-template-hash": "5d8f9c7b6d"},
    "annotations": {"example.com/replicas": "11", "a/b": "\u0000ü"},
    "ownerReferences": [{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9c7b6d", "controller": true}]
  },
  "spec": {
    "containers": [
      {"name": "app", "ports": [{"containerPort": 8080}], "env": [{"name": "A", "value": "b"}, {}]},
      {"name": "", "ports": [], "env": null, "resources": {"limits": {"cpu": 1.5}}}
    ],
    "priority": -9223372036854775808, "x": 1e999, "y": 18446744073709551615, "z": [[[1]], "\u0000", false]
  }
}"#;

const REQUEST: &str = r#"{
  "kind": {"group": "", "version": "v1", "kind": "Pod"}, "operation": "CREATE", "name": "", "namespace": "shop",
  "subResource": "", "dryRun": false, "options": null, "userInfo": {"username": "admin", "groups": ["a", "b"]}
}"#;

/// Rules that read what the default does not.
const CURIOUS: &str = r#"
apiVersion: meshmode.io/v1alpha1
kind: MeshmodeConfiguration
placement:
  variables:
    - {name: containers, expression: "object.spec.containers + object.?spec.initContainers.orValue([])"}
  rules:
    - {name: request, when: "request.userInfo.username == 'nobody' || request.kind.kind == 'x'", mode: none}
    - {name: environment, when: "variables.containers.exists(c, c.env.exists(e, e.name == e.value))", mode: sidecar, onUnknown: next}
    - {name: asked, when: "has(object.metadata.annotations)", modeExpression: "object.metadata.annotations['a/b']", reasonExpression: "object.metadata.name", warningExpression: "object.metadata.labels['app']", onUnknown: next}
    - {name: order, when: "object.spec.priority > 1 || workload.kind == 'Job' && workload.replicas / workload.maxReplicas == 1", mode: leave, onUnknown: next}
  default: {mode: sidecar}
  modes:
    sidecar: {labels: {sidecar.istio.io/inject: 'true', istio.io/rev: stable}}
authorizationPolicies: {attachment: always, annotation: refuse, failOpen: refuse, breakGlass: true}
"#;

static DEFAULTS: LazyLock<Configuration> =
    LazyLock::new(|| read(DEFAULT).expect("has no mistakes"));
static CURIOUS_RULES: LazyLock<Configuration> =
    LazyLock::new(|| read(CURIOUS).expect("has no mistakes"));

// === expressions ===

/// What becomes of a text as an expression.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Loaded {
    /// It compiles.
    Compiled,
    /// It does not, and was refused with messages.
    Refused,
}

/// `text` as an expression is refused with messages, or gives each Pod a placement, whatever is known.
pub(crate) fn expression(text: &str) -> Loaded {
    loads(text);
    // The parser needs the room that loading gives it.
    let compiled = thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(16 << 20);
        let thread = builder
            .spawn_scoped(scope, || rules_of(text))
            .expect("a thread");
        thread.join().expect("compiling does not panic")
    });
    match compiled {
        Ok(rules) => {
            evaluates(&rules);
            drop(policy(&rules, FailurePolicy::Ignore));
            Loaded::Compiled
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "refused without a message");
            for ExpressionError {
                line,
                column,
                message,
            } in errors
            {
                assert!(
                    line > 0 && column > 0 && !message.is_empty(),
                    "{line}:{column}: {message}"
                );
            }
            Loaded::Refused
        }
    }
}

/// As the configuration is read, which also tries it on a sample.
fn loads(text: &str) {
    let quoted: String = text
        .chars()
        .map(|c| format!("\\U{:08x}", u32::from(c)))
        .collect();
    let file = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  default: {{mode: ambient}}\n  rules:\n    - name: only\n      mode: sidecar\n      when: \"{quoted}\"\n"
    );
    if let Err(problems) = read(&file) {
        let messages: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(!messages.is_empty(), "refused without a message");
        for message in messages {
            assert!(message.contains("placement.rules[0].when"), "{message}");
        }
    }
}

/// With the expression as a condition, and as a variable that gives the mode, the warning and the reason.
fn rules_of(text: &str) -> Result<Rules, Vec<ExpressionError>> {
    let compile = |source: &str| Expression::compile(source, &["annotations", "it"]);
    let variable = |name: &str, source: &str| -> Result<_, Vec<ExpressionError>> {
        let expression = Expression::compile(source, &["annotations"])?;
        Ok(Variable {
            name: name.to_owned(),
            expression,
        })
    };
    let rule = |name: &str, when: Expression, gives, on_unknown| Rule {
        name: name.to_owned(),
        when,
        gives,
        reason: "a reason".to_owned(),
        reason_expression: None,
        on_unknown,
        warning: None,
    };
    let annotations = "has(object.metadata.annotations) ? object.metadata.annotations : {}";
    let condition = Expression::compile(text, &["annotations"])?;
    let variables = vec![variable("annotations", annotations)?, variable("it", text)?];
    let mut given = rule(
        "given",
        compile("true")?,
        Gives::Expression(compile("variables.it")?),
        OnUnknown::Leave,
    );
    given.reason_expression = Some(compile("variables.it")?);
    given.warning = Some(compile("variables.it")?);
    let holds = rule(
        "holds",
        condition,
        Gives::Mode(Mode::Ambient),
        OnUnknown::Next,
    );
    let labels = |value: &str| BTreeMap::from([("a/b".to_owned(), value.to_owned())]);
    Ok(Rules::new(
        variables,
        vec![holds, given],
        rules::Default::new(Mode::None, "the default".to_owned()),
        ModeLabels {
            ambient: labels("ambient"),
            sidecar: labels("sidecar"),
            none: labels("none"),
        },
    ))
}

fn evaluates(rules: &Rules) {
    let pod: Pod<'_> = opened(POD);
    let bare: Pod<'_> = opened(r#"{"metadata": {}}"#);
    let request = Depth::SHALLOW
        .parse(REQUEST)
        .ok()
        .and_then(|node| node.into_object());
    let (request, none) = (request.expect("an object"), Object::default());
    for (pod, request) in [(&pod, &request), (&bare, &none)] {
        for cluster in [
            &NoCluster as &dyn Source,
            &Cluster::Knowing,
            &Cluster::Ignorant,
        ] {
            let facts = Facts {
                pod,
                request,
                namespace: "shop",
                owner: Owner::OfPod,
                cluster,
            };
            let placement = decide(rules, &facts);
            assert!(
                !placement.rule.is_empty() && !placement.reason.is_empty(),
                "{placement:?}"
            );
            for asked in rules.explain(&facts) {
                assert_ne!(asked.answer.why(), Some(""), "{asked:?}");
            }
        }
    }
}

fn opened(text: &str) -> Pod<'_> {
    let opened: Opened<'_> = json::read(text).expect("an object");
    opened.into_pod().expect("a Pod")
}

// === reviews ===

/// What becomes of the body of a review.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Reviewed {
    /// Each route answered it.
    Answered,
    /// It is no review.
    NotAReview,
}

/// `body` gets an answer that the API server takes from each route, or is no review.
pub(crate) fn review(body: &[u8]) -> Reviewed {
    let (defaults, curious) = (&DEFAULTS.placement, &CURIOUS_RULES.placement);
    let mut all = vec![];
    let placing = [
        (defaults, &Cluster::Knowing as &dyn Source, Stance::Enforce),
        (curious, &NoCluster, Stance::Enforce),
        (curious, &Cluster::Ignorant, Stance::Observe),
    ];
    for (rules, cluster, stance) in placing {
        all.push(mutate::answer(body, rules, cluster, stance).map(|placed| placed.answer));
        all.push(advise::answer(body, rules, cluster, stance).map(|advised| advised.answer));
    }
    for answer in &all {
        let refused = answer
            .as_ref()
            .is_ok_and(|answer| matches!(answer.outcome, Outcome::Refused { .. }));
        assert!(!refused, "a Pod or a workload is refused: {answer:?}");
    }
    let judging = [
        (
            &DEFAULTS,
            &WhyUnknown::NoCluster as &dyn FactsSource,
            Stance::Enforce,
        ),
        (&CURIOUS_RULES, &Cluster::Knowing, Stance::Warn),
    ];
    for (configuration, source, stance) in judging {
        let settings = &configuration.authorization_policies;
        all.push(validate::answer(body, settings, source, stance).map(|judged| judged.answer));
    }
    let parsed = serde_json::from_slice(body).ok();
    all.iter()
        .map(|answer| checked(answer, body, parsed.as_ref()))
        .max()
        .expect("some")
}

/// What the API server looks at in an answer (`VerifyAdmissionResponse`), and the patch applied.
fn checked(
    answer: &Result<Answer<'_>, NotAReview>,
    body: &[u8],
    review: Option<&Value>,
) -> Reviewed {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return Reviewed::NotAReview;
        }
    };
    let json: Value = serde_json::from_slice(&answer.to_json()).expect("an answer is JSON");
    let response = &json["response"];
    assert!(response["allowed"].is_boolean(), "{json}");
    if let Some(uid) = review::uid(body) {
        assert_eq!(response["uid"], *uid, "the uid of another review");
    }
    let warnings = response["warnings"].as_array();
    for warning in warnings
        .into_iter()
        .flatten()
        .map(|warning| warning.as_str().expect("a text"))
    {
        assert!(!warning.contains(char::is_control), "{warning:?}");
    }
    if let Some(patch) = response["patch"].as_str() {
        let patch = STANDARD.decode(patch).expect("Base64");
        let patch: Patch = serde_json::from_slice(&patch).expect("a patch");
        if let Some(review) = review {
            let mut object = review["request"]["object"].clone();
            json_patch::patch(&mut object, &patch).expect("the patch applies");
        }
    }
    Reviewed::Answered
}

// === a cluster ===

/// How much is known of the cluster.
#[derive(Debug)]
enum Cluster {
    /// Everything.
    Knowing,
    /// Nothing.
    Ignorant,
}

impl Cluster {
    fn fact<T>(&self, fact: impl FnOnce() -> T) -> Result<T, Missing> {
        match self {
            Self::Knowing => Ok(fact()),
            Self::Ignorant => Err(Missing::NotReadYet(Resource::Namespaces)),
        }
    }
}

fn labels() -> Labels {
    let entries = [("a/b", "ambient"), ("meshmode.io/mode", "no mode")];
    let entries = entries.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Labels::all(Some(&BTreeMap::from(entries)))
}

impl Source for Cluster {
    fn connection(&self) -> Connection {
        Connection::Cluster
    }

    fn namespace(&self, _: &str) -> Result<Arc<Namespace>, Missing> {
        let (labels, annotations) = (labels(), labels());
        self.fact(|| {
            Arc::new(Namespace {
                labels,
                annotations,
            })
        })
    }

    fn workload(&self, _: &WorkloadRef<'_>) -> Result<Arc<Workload>, Missing> {
        let (labels, annotations) = (labels(), labels());
        let (replicas, max_replicas) = (Some(0), Some(i64::MAX));
        self.fact(|| {
            Arc::new(Workload {
                replicas,
                max_replicas,
                labels,
                annotations,
            })
        })
    }

    fn requires(&self, _: &str, _: &dyn selector::Labels) -> Result<Vec<Requirement>, Missing> {
        let requirement = |reason| Requirement {
            reason,
            namespace: "shop".into(),
            name: "some".into(),
            scope: Scope::Mesh,
        };
        self.fact(|| Reason::ALL.into_iter().map(requirement).collect())
    }

    fn waypoint(&self, _: &str, _: &dyn selector::Labels) -> Result<Option<Waypoint>, Missing> {
        let (namespace, name) = ("shop".into(), "way".into());
        self.fact(|| {
            Some(Waypoint {
                namespace,
                name,
                traffic: None,
            })
        })
    }

    fn siblings(
        &self,
        revision: &RevisionRef<'_>,
        _: Believed<'_>,
    ) -> Result<Option<Siblings>, Missing> {
        // Of every other revision.
        let others = (revision.hash.len() % 2 == 1).then(|| {
            let (rule, reason) = ("gone".into(), "\"\u{0}".into());
            Siblings::Placed(Arc::new(Decided {
                mode: Mode::Sidecar,
                rule,
                reason,
            }))
        });
        self.fact(|| others)
    }

    fn istio(&self) -> Result<Arc<Istio>, Missing> {
        self.fact(Arc::default)
    }

    fn running(&self, _: &WorkloadRef<'_>) -> Option<Siblings> {
        Some(Siblings::Unplaced)
    }
}

impl FactsSource for Cluster {
    fn facts_for(&self, policy: &AuthorizationPolicy<'_>) -> PolicyFacts {
        let targets = policy
            .spec
            .targets()
            .iter()
            .map(|_| Fact::Known(Target::Missing));
        PolicyFacts {
            mesh: Fact::Known(Mesh::default()),
            selected: Fact::Known(Population::default()),
            targets: Fact::Known(targets.collect()),
            clients: Fact::Known(Population::default()),
            behind: vec![Resource::Namespaces],
        }
    }
}
