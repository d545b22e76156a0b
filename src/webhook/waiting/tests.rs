//! Waits on a clock that stands still, for objects that come or do not.

use super::*;
use crate::webhook::testing::Coming;

const PATIENCE: Duration = Duration::from_millis(50);

fn not_seen(resource: Resource, name: &str) -> Missing {
    Missing::NotSeen {
        resource,
        namespace: "shop".into(),
        name: name.into(),
    }
}

fn deployment() -> Missing {
    not_seen(Resource::Deployments, "web")
}

#[test]
fn only_what_may_come_is_waited_for() {
    for (name, missing, expected) in [
        ("nothing", vec![], 0),
        ("a Deployment", vec![deployment()], 1),
        (
            "a StatefulSet, and a namespace",
            vec![
                not_seen(Resource::StatefulSets, "db"),
                not_seen(Resource::Namespaces, "shop"),
            ],
            2,
        ),
        (
            "what comes in its own time",
            vec![
                Missing::NoCluster,
                Missing::NotReadYet(Resource::Deployments),
                Missing::Forbidden(Resource::Deployments),
                Missing::NotWatched(Resource::Deployments),
                Missing::OtherKind("Job".into()),
                not_seen(Resource::Gateways, "waypoint"),
            ],
            0,
        ),
    ] {
        let found = Awaited::among(&missing).map_or(0, |awaited| awaited.0.len());
        assert_eq!(found, expected, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_object_or_with_the_time() {
    let ms = Duration::from_millis;
    for (name, comes, expected, end) in [
        ("there already", Some(ms(0)), ms(0), End::Seen),
        ("it comes", Some(ms(20)), ms(20), End::Seen),
        ("too late", Some(ms(51)), PATIENCE, End::GivenUp),
        ("unknowable", None, ms(0), End::GivenUp),
    ] {
        let source = comes.map_or_else(Coming::never, Coming::after);
        let awaited = Awaited::among(&[deployment()]).unwrap();
        let waited = awaited.wait(&source, PATIENCE).await;
        let duration = waited.duration;
        assert_eq!((duration, waited.end), (expected, end), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn it_is_asked_a_few_times_and_no_more() {
    let source = Coming::after(Duration::from_secs(1));
    let awaited = Awaited::among(&[deployment()]).unwrap();
    awaited.wait(&source, PATIENCE).await;
    assert_eq!(source.asked(), 26, "once, and every 2 ms");
}

#[tokio::test(start_paused = true)]
async fn all_of_them_must_be_there() {
    let source = Coming::after(Duration::from_millis(4));
    let missing = [deployment(), not_seen(Resource::Namespaces, "shop")];
    let awaited = Awaited::among(&missing).unwrap();
    let waited = awaited.wait(&source, PATIENCE).await;
    assert_eq!(waited.end, End::Seen);
    assert_eq!(waited.duration, Duration::from_millis(4));
}
