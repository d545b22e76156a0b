//! What the configuration and the cluster say, and what is remembered.

use super::*;
use crate::cluster::Cluster;

const CONFIGURED: (&str, &str) = ("configuration", "5af1");

#[tokio::test]
async fn every_answer_names_the_configuration() {
    let named = |kind: &str| review("", "v1", kind, "CREATE", &pod(&json!({})));
    for (name, path, review) in [
        ("a Pod", MUTATE, pod_review(&pod(&json!({})))),
        ("observed", OBSERVE, pod_review(&pod(&json!({})))),
        ("no Pod", MUTATE, named("Service")),
        ("malformed", MUTATE, pod_review(&json!([]))),
        (
            "a policy",
            VALIDATE,
            policy_review("CREATE", &policy(&json!({}), &http_spec())),
        ),
        ("no policy", VALIDATE, named("Service")),
        ("a workload", WORKLOADS, workload_review("ambient")),
        ("no workload", WORKLOADS, named("Service")),
    ] {
        let response = answer(name, path, &review).await;
        let (key, hash) = CONFIGURED;
        assert_eq!(
            response["auditAnnotations"][key], hash,
            "{name}: {response}"
        );
    }
}

const WORKLOADS: &str = "/validate/workloads";

fn workload_review(mode: &str) -> Value {
    let template = json!({"metadata": {"annotations": {"meshmode.io/mode": mode}}, "spec": {}});
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"},
        "spec": {"template": template},
    });
    but(
        review("apps", "v1", "Deployment", "CREATE", &object),
        "name",
        json!("web"),
    )
}

#[tokio::test]
async fn workloads_are_advised_about_and_never_refused() {
    let log = Log::start();
    let app = app();
    for (path, mode, warned) in [
        (WORKLOADS, "sidecars", true),
        (WORKLOADS, "sidecar", false),
        ("/observe/workloads", "sidecars", false),
    ] {
        let review = workload_review(mode);
        let answered = send(router(app.clone()), request(path, review.to_string())).await;
        let response = &answered.json["response"];
        assert_eq!(response["allowed"], true, "{path} {mode}");
        assert_eq!(response.get("patch"), None, "{path} {mode}");
        assert_eq!(!warnings(response).is_empty(), warned, "{path}: {response}");
    }
    has_lines(
        &app.metrics.to_text(),
        &[
            "meshmode_reviews_total{task=\"advise\",stance=\"warn\",outcome=\"answered\"} 2",
            "meshmode_reviews_total{task=\"advise\",stance=\"observe\",outcome=\"answered\"} 1",
        ],
    );
    let text = log.text();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "what is well is no news: {text}");
    for line in lines {
        assert_eq!(
            (&line["workload"], &line["kind"]),
            (&json!("web"), &json!("Deployment"))
        );
        assert!(line["said"].as_str().unwrap().contains("sidecars"));
    }
}

#[tokio::test]
async fn a_placement_is_remembered_where_it_is_carried_out() {
    let owner = |controller| {
        json!([{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1",
            "controller": controller,
        }])
    };
    let labels = json!({"pod-template-hash": "5d8f9"});
    let owned = |controller| {
        pod_review(&pod(
            &json!({"labels": labels, "ownerReferences": owner(controller)}),
        ))
    };
    let chosen = json!({"pod-template-hash": "5d8f9", "istio.io/dataplane-mode": "none"});
    let chosen = pod_review(&pod(
        &json!({"labels": chosen, "ownerReferences": owner(true)}),
    ));
    for (name, path, review, expected) in [
        ("of a revision", MUTATE, owned(true), true),
        ("owned, not controlled", MUTATE, owned(false), false),
        ("bare", MUTATE, pod_review(&pod(&json!({}))), false),
        (
            "dry run",
            MUTATE,
            but(owned(true), "dryRun", json!(true)),
            false,
        ),
        ("observed", OBSERVE, owned(true), false),
        ("its own choice", MUTATE, chosen, false),
    ] {
        let cluster = Arc::new(Coming::after(Duration::ZERO));
        let app = App {
            cluster: cluster.clone(),
            ..app()
        };
        send(router(app), request(path, review.to_string())).await;
        let remembered = cluster.remembered();
        assert_eq!(remembered.len(), usize::from(expected), "{name}");
        for (revision, decided) in remembered {
            assert_eq!((&*revision.owner, &*revision.hash), ("uid-1", "5d8f9"));
            assert_eq!(
                (decided.mode.as_str(), &*decided.rule),
                ("ambient", "many-replicas")
            );
            assert!(decided.reason.contains("replicas"), "{decided:?}");
        }
    }
}

/// A Pod is left as its Deployment was not seen in time: the next one of its revision is not placed because it
/// was, and before the watch has told of the first.
#[tokio::test(start_paused = true)]
async fn what_is_left_is_left_for_its_revision() {
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1", "controller": true,
    }]);
    let metadata = json!({"labels": {"pod-template-hash": "5d8f9"}, "ownerReferences": owner});
    let review = pod_review(&pod(&metadata)).to_string();
    let coming = Arc::new(Coming::after(Duration::from_secs(1)));
    let rule = OWNED.replace("onUnknown: next", "onUnknown: leave");
    let text = format!(
        "apiVersion: meshmode.io/v1alpha1\nkind: MeshmodeConfiguration\nplacement:\n  rules:\n  - {rule}\n  default: {{mode: ambient, reason: a test}}\n"
    );
    let app = App {
        configuration: Arc::new(ArcSwap::from_pointee(active(&text))),
        ..app_in(&coming)
    };
    let first = send(router(app.clone()), request(MUTATE, review.clone())).await;
    let first = &first.json["response"]["auditAnnotations"];
    assert_eq!(
        (&first["placement"], &first["rule"]),
        (&json!("leave"), &json!("big"))
    );
    let left = ["meshmode_left_for_missing_facts_total 1"];
    has_lines(&app.metrics.to_text(), &left);
    // As a real one keeps it.
    let cluster = Cluster::default();
    for (revision, decided) in coming.remembered() {
        cluster.remember(&revision, decided);
    }
    let app = App {
        cluster: Arc::new(cluster),
        ..app
    };
    let second = send(router(app.clone()), request(MUTATE, review)).await;
    let second = &second.json["response"]["auditAnnotations"];
    for key in ["placement", "rule", "reason"] {
        assert_eq!(second[key], first[key], "{second}");
    }
    // Not again for each Pod of the revision.
    has_lines(&app.metrics.to_text(), &left);
    assert_eq!(coming.remembered().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pod_waits_a_moment_for_its_workload() {
    let log = Log::start();
    let owner = json!([{
        "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web-5d8f9", "uid": "uid-1", "controller": true,
    }]);
    let metadata = json!({"labels": {"pod-template-hash": "5d8f9"}, "ownerReferences": owner});
    let review = pod_review(&pod(&metadata)).to_string();
    let ms = Duration::from_millis;
    let seen = "meshmode_owner_wait_seconds_count{outcome=\"seen\"} 1";
    let given_up = "meshmode_owner_wait_seconds_count{outcome=\"given-up\"} 1";
    for (name, timeout, comes, rule, took, counted) in [
        ("there", "3s", Some(ms(0)), "big", ms(0), None),
        ("it comes", "3s", Some(ms(20)), "big", ms(20), Some(seen)),
        (
            "too late",
            "3s",
            Some(ms(41)),
            "default",
            ms(40),
            Some(given_up),
        ),
        (
            "no time for it",
            "50ms",
            Some(ms(30)),
            "default",
            ms(13),
            Some(given_up),
        ),
        ("not to be expected", "3s", None, "default", ms(0), None),
    ] {
        let cluster = Arc::new(comes.map_or_else(Coming::never, Coming::after));
        let app = app_in(&cluster);
        let start = tokio::time::Instant::now();
        let path = format!("{MUTATE}?timeout={timeout}");
        let answered = send(router(app.clone()), request(&path, review.clone())).await;
        assert_eq!(start.elapsed(), took, "{name}");
        let audit = &answered.json["response"]["auditAnnotations"];
        assert_eq!(audit["rule"], rule, "{name}: {audit}");
        let metrics = app.metrics.to_text();
        let waits = metrics
            .lines()
            .filter(|line| line.starts_with("meshmode_owner_wait_seconds_count"));
        assert_eq!(waits.collect::<Vec<_>>(), Vec::from_iter(counted), "{name}");
        let once =
            "meshmode_reviews_total{task=\"place\",stance=\"enforce\",outcome=\"answered\"} 1";
        let placed = format!(
            "meshmode_placements_total{{stance=\"enforce\",mode=\"{}\",rule=\"{rule}\"}} 1",
            audit["placement"].as_str().unwrap()
        );
        has_lines(&metrics, &[once, &placed]);
        let remembered: Vec<_> = cluster
            .remembered()
            .into_iter()
            .map(|one| one.1.rule)
            .collect();
        assert_eq!(
            remembered,
            [rule.into()],
            "{name}: once, and what was answered"
        );
        let text = log.text();
        let line: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
        assert_eq!(
            (&line["rule"], &line["from"]),
            (&json!(rule), &json!("rules")),
            "{name}"
        );
        assert_eq!(
            line["missing"].is_string(),
            rule == "default",
            "{name}: {line}"
        );
        assert_eq!(
            line["waited"].is_string(),
            counted.is_some(),
            "{name}: {line}"
        );
    }
}
