//! The whole way, with a server that says what a Prometheus would; a real one is in `tests/e2e-roi.rs`.

use http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::*;
use crate::prometheus::testing::{Seen, Server, vector};
use crate::prometheus::{KnownPod, Settings};
use crate::savings::attribution::Company;
use crate::savings::measured::{Ambient, Slot};
use crate::savings::role::{Evidence, Role};

/// What a Prometheus answers to a query, as far as a test cares; nothing to the others.
type Said = fn(&str) -> Option<String>;

const NOW: i64 = 1_796_000_123;
const GIB: f64 = 1_073_741_824.0;

fn pod(uid: &str) -> Value {
    json!({"namespace": "shop", "pod": "web-5d4f8c7b9d-bx2z4", "uid": uid})
}

fn with(mut labels: Value, name: &str, value: &str) -> Value {
    labels[name] = json!(value);
    labels
}

/// An hour in two slots of six steps; a sidecar that was there for three steps of each.
fn usual(query: &str) -> Option<String> {
    let begins = |text: &str| query.starts_with(text);
    let has = |text: &str| query.contains(text);
    let container =
        json!({"namespace": "shop", "pod": "web-5d4f8c7b9d-bx2z4", "id": "/kubepods/poda-1/x"});
    let rows = if has("count by (cluster)") {
        vec![(json!({}), 1.0)]
    } else if has("kube_node_(info") {
        vec![(json!({}), 2.5)]
    } else if begins("count_over_time((count(") {
        vec![(json!({}), 6.0)]
    } else if begins("max_over_time((count(kube_pod_container_info") {
        vec![(json!({}), 9.0)]
    } else if has("kube_pod_init_") && !has("sum by") {
        vec![]
    } else if begins("count_over_time((max by (namespace, pod, uid) ({__name__") {
        vec![(pod("a-1"), 3.0)]
    } else if begins("sum_over_time((max by (namespace, pod, uid, resource)") {
        vec![
            (with(pod("a-1"), "resource", "cpu"), 3.0 * 0.2),
            (with(pod("a-1"), "resource", "memory"), 3.0 * GIB),
        ]
    } else if has("container_cpu_usage") {
        vec![(container, 3.0 * 0.4)]
    } else if begins("sum_over_time") && has("working_set") {
        vec![(container, 4.0 * GIB / 2.0)]
    } else if begins("count_over_time") && has("working_set") {
        vec![(container, 4.0)]
    } else if has("kube_pod_owner") {
        let owner = with(pod("a-1"), "owner_kind", "ReplicaSet");
        vec![(with(owner, "owner_name", "web-5d4f8c7b9d"), 1.0)]
    } else {
        return None;
    };
    Some(vector(&rows))
}

async fn server(said: Said) -> Server {
    Server::start(move |seen: &Seen, _| {
        let found = said(seen.parameter("query"));
        (StatusCode::OK, found.unwrap_or_else(|| vector(&[])))
    })
    .await
}

fn request() -> Request {
    Request {
        now: Timestamp::from_second(NOW).unwrap(),
        window: Duration::from_secs(3_600),
        step: None,
        slots: 2,
        matchers: Vec::new(),
        cluster_label: "cluster".to_owned(),
        partial: Partial::Refuse,
        basis: Basis::Max,
        pods: None,
    }
}

fn client(server: &Server) -> Client {
    Client::direct(&Settings::of(&server.url())).unwrap()
}

async fn measured(said: Said, request: &Request) -> Result<Measured, Error> {
    measure(&client(&server(said).await), request).await
}

#[tokio::test]
async fn a_pod_that_is_there_half_of_the_time_counts_half() {
    let measured = measured(usual, &request()).await.unwrap();
    let [web] = measured.proxies.as_slice() else {
        panic!("{measured:?}");
    };
    assert_eq!(
        (web.workload.name.as_str(), web.role),
        ("web", Role::Sidecar)
    );
    let [slot, same] = web.slots.as_slice() else {
        panic!("{web:?}");
    };
    assert_eq!(slot, same);
    let close =
        |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found} {expected}");
    let Slot { amount, count } = slot;
    close(*count, 0.5);
    close(amount.requests.vcpu, 0.1);
    close(amount.requests.gib, 0.5);
    close(amount.usage.vcpu, 0.2);
    // The mean of the four steps that cAdvisor goes on for, half of the time.
    close(amount.usage.gib, 0.25);
    close(amount.max.vcpu, 0.2);
    close(amount.max.gib, 0.5);
    assert_eq!(measured.window.coverage, [1.0, 1.0]);
    assert_eq!(measured.node_counts, [2.5, 2.5]);
    assert_eq!(measured.window.end.as_second() % 300, 0);
    assert_eq!(measured.evidence, [(Evidence::Owner, 1)].into());
    assert!(matches!(measured.ambient, Ambient::Unknown(_)));
    assert_eq!(
        measured.warnings.len(),
        1,
        "nodes are not known: {:?}",
        measured.warnings
    );
}

#[tokio::test]
async fn the_api_server_knows_more() {
    let known = KnownPod {
        uid: "a-1".to_owned(),
        labels: [(
            "gateway.istio.io/managed".to_owned(),
            "istio.io-mesh-controller".to_owned(),
        )]
        .into(),
        owner: Some(("ReplicaSet".to_owned(), "edge-7c6f".to_owned())),
        company: Company::Alone,
        captured: false,
    };
    let captured = KnownPod {
        captured: true,
        ..KnownPod::default()
    };
    let name = |pod: &str| ("shop".to_owned(), pod.to_owned());
    let pods = [
        (name("web-5d4f8c7b9d-bx2z4"), known),
        (name("other"), captured),
    ];
    let request = Request {
        pods: Some(pods.into()),
        ..request()
    };
    let measured = measured(usual, &request).await.unwrap();
    let [edge] = measured.proxies.as_slice() else {
        panic!("{measured:?}");
    };
    assert_eq!(
        (edge.workload.name.as_str(), edge.role),
        ("edge", Role::Waypoint)
    );
    assert_eq!(measured.evidence, [(Evidence::Labels, 1)].into());
    let Ambient::ByNamespace(ambient) = measured.ambient else {
        panic!("{:?}", measured.ambient);
    };
    assert_eq!(ambient, [("shop".to_owned(), 1.0)].into());
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn failures_give_no_figure() {
    let rows: [(&str, Said, &str); 6] = [
        (
            "nothing at all",
            |_| None,
            "has no container istio-proxy in the 60 minutes before 2026-11-30T00:55:00Z; absent: kube_pod_container_resource_requests, ",
        ),
        (
            "several clusters",
            |query| {
                let of = |name: &str| (json!({"cluster": name}), 1.0);
                if query.contains("count by (cluster)") {
                    return Some(vector(&[of("eu"), of("us")]));
                }
                usual(query)
            },
            "pick one with --matcher cluster=\"…\"; there are: eu, us",
        ),
        (
            "no usage",
            |query| {
                if query.contains("container_cpu") && !query.contains("count by (metric)") {
                    None
                } else {
                    usual(query)
                }
            },
            "has no CPU or memory use of any container istio-proxy",
        ),
        (
            "NaN",
            |query| {
                let nan = r#"{"status":"success","data":{"result":[{"metric":{"pod":"p"},"value":[1,"NaN"]}]}}"#;
                if query.contains("container_cpu") {
                    Some(nan.to_owned())
                } else {
                    usual(query)
                }
            },
            "the series {pod=\"p\"} has the value NaN",
        ),
        (
            "recording rules alone",
            |query| {
                let rule = json!({"metric": "node_namespace_pod_container:container_cpu_usage_seconds_total:sum_irate"});
                query
                    .contains(".+:(container")
                    .then(|| vector(&[(rule, 1.0)]))
            },
            "There are recording rules alone",
        ),
        (
            "a store is gone",
            |query| {
                let partial =
                    r#"{"status":"success","data":{"result":[]},"warnings":["store x: timeout"]}"#;
                if query.contains("kube_pod_labels") {
                    Some(partial.to_owned())
                } else {
                    usual(query)
                }
            },
            "is not complete, and half of the data gives a wrong figure: store x: timeout",
        ),
    ];
    for (name, said, expected) in rows {
        let error = measured(said, &request()).await.unwrap_err();
        assert!(error.to_string().contains(expected), "{name}: {error}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn what_was_asked_for_becomes_a_warning() {
    let partial: Said = |query| {
        let partial = r#"{"status":"success","data":{"result":[]},"warnings":["store x: timeout"],"infos":["odd"]}"#;
        if query.contains("kube_pod_labels") {
            Some(partial.to_owned())
        } else {
            usual(query)
        }
    };
    let allow = Request {
        partial: Partial::Allow,
        ..request()
    };
    let several: Said = |query| {
        let of = |name: &str| (json!({"cluster": name}), 1.0);
        if query.contains("count by (cluster)") {
            return Some(vector(&[of("eu"), of("us")]));
        }
        usual(&query.replace("(cluster, ", "("))
    };
    let both = Request {
        matchers: vec!["cluster=~\"eu|us\"".to_owned()],
        ..request()
    };
    let gap: Said = |query| {
        if query.starts_with("count_over_time((count(") {
            return Some(vector(&[(json!({}), 3.0)]));
        }
        usual(query)
    };
    let of_namespace = Request {
        matchers: vec!["namespace=shop".to_owned()],
        ..request()
    };
    let rows = [
        (
            "partial",
            partial,
            allow.clone(),
            "taken with --allow-partial: store x: timeout",
        ),
        ("a remark", partial, allow, "Prometheus remarks: odd"),
        (
            "several clusters",
            several,
            both,
            "counted as one mesh: eu, us",
        ),
        (
            "a gap",
            gap,
            request(),
            "kube-state-metrics has data for 50 % of the window",
        ),
        (
            "a namespace",
            usual,
            of_namespace,
            "--matcher namespace=\"shop\" leaves out Pods of the mesh",
        ),
    ];
    for (name, said, request, expected) in rows {
        let measured = measured(said, &request).await.unwrap();
        let warnings = measured.warnings;
        assert!(
            warnings.iter().any(|one| one.contains(expected)),
            "{name}: {warnings:?}"
        );
    }
}

#[tokio::test]
async fn requests_do_without_usage() {
    let unused: Said = |query| {
        if query.contains("container_cpu") || query.contains("working_set") {
            return None;
        }
        usual(query)
    };
    let of_requests = Request {
        basis: Basis::Requests,
        ..request()
    };
    let found = measured(unused, &of_requests).await.unwrap();
    assert_eq!(found.bases, [Basis::Requests]);
    let said = [
        "little or no CPU use of proxies is in cAdvisor (container_cpu_usage_seconds_total): the basis requests does \
         without, the bases usage and max are left out",
    ];
    let with_usage = measured(usual, &of_requests).await.unwrap();
    let hardly: Said = |query| {
        if query.contains("count(rate(container_cpu") {
            return Some(vector(&[(json!({}), 2.0)]));
        }
        usual(query)
    };
    let with_little = measured(hardly, &of_requests).await.unwrap();
    assert_eq!(with_little.bases, [Basis::Requests]);
    assert_eq!(with_little.window.coverage, with_usage.window.coverage);
    assert_eq!(found.warnings[..1], said);
    assert_eq!(found.warnings[1..], with_usage.warnings);
    assert_eq!(with_usage.bases, Basis::ALL);
    assert_eq!(
        found.proxies[0].slots[0].amount.requests,
        with_usage.proxies[0].slots[0].amount.requests
    );
}

#[tokio::test]
async fn what_is_not_needed_is_left_out() {
    let server = Server::start(|seen: &Seen, _| {
        let query = seen.parameter("query");
        if query.contains("istio_request_duration") {
            let error = r#"{"status":"error","errorType":"execution","error":"too many samples"}"#;
            return (StatusCode::UNPROCESSABLE_ENTITY, error.to_owned());
        }
        (StatusCode::OK, usual(query).unwrap_or_else(|| vector(&[])))
    })
    .await;
    let measured = measure(&client(&server), &request()).await.unwrap();
    assert!(measured.latency.is_empty());
    let said = "latency is left out: the query is too large";
    assert!(
        measured.warnings.iter().any(|one| one.starts_with(said)),
        "{:?}",
        measured.warnings
    );
}

#[tokio::test]
async fn a_recording_answers_without_a_server() {
    let server = server(usual).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("token");
    std::fs::write(&secret, "hidden").unwrap();
    let records = folder.path().join("records");
    let mut settings = Settings::of(&server.url());
    settings.bearer_token_file = Some(secret);
    settings.manner.headers = vec![("X-Key".to_owned(), "hidden".to_owned())];
    settings.manner.query_params = vec![("key".to_owned(), "hidden".to_owned())];
    let client = Client::direct(&settings)
        .unwrap()
        .recording(&records)
        .unwrap();
    let first = measure(&client, &request()).await.unwrap();
    drop(server);
    for entry in std::fs::read_dir(&records).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        assert!(!text.contains("hidden"), "{text}");
    }
    // Another time and window: the recording's count.
    let later = Request {
        now: Timestamp::from_second(NOW + 1_000_000).unwrap(),
        window: Duration::from_secs(86_400),
        ..request()
    };
    let again = measure(&Client::replay(&records).unwrap(), &later)
        .await
        .unwrap();
    assert_eq!(
        format!("{:?}", again.proxies),
        format!("{:?}", first.proxies)
    );
    assert_eq!(format!("{:?}", again.window), format!("{:?}", first.window));
    assert!(
        again
            .warnings
            .iter()
            .any(|one| one.contains("answered from the recording"))
    );
}

#[tokio::test]
async fn so_many_queries() {
    let server = server(usual).await;
    measure(&client(&server), &request()).await.unwrap();
    // 13 about each of two slots, and a dozen about the whole.
    let asked = server.seen().len();
    assert!((32..47).contains(&asked), "{asked}");
}

#[test]
fn windows_in_words() {
    let rows = [
        (604_800, "7 days"),
        (86_400, "24 hours"),
        (7_200, "2 hours"),
        (3_600, "60 minutes"),
        (90, "90 s"),
    ];
    for (seconds, expected) in rows {
        assert_eq!(words(Duration::from_secs(seconds)), expected);
    }
}
