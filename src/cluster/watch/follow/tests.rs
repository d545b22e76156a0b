//! What an error means for what was read, with errors that no API server has to be made to give.

use std::sync::Mutex;

use futures_util::stream;
use kube::core::Status;

use super::*;
use crate::cluster::watch::changes;

#[derive(Debug)]
struct Nobody;

impl Observer for Nobody {
    fn went_over(&self, _: Resource, _: State, _: Option<&(dyn StdError + 'static)>) {}

    fn counted(&self, _: Resource, _: usize) {}
}

fn follow(resource: Resource) -> Follow {
    Follow {
        resource,
        cluster: Cluster::default(),
        observer: Arc::new(Nobody),
    }
}

fn error(code: u16) -> Error {
    let status = Status::failure("no", "Because").with_code(code);
    Error::WatchStartFailed(kube::Error::Api(Box::new(status)))
}

#[test]
fn what_an_error_makes_of_what_was_read() {
    #[rustfmt::skip]
    let rows = [
        (Resource::Pods, 500, Filled::Never, State::Failing),
        (Resource::Pods, 500, Filled::Once, State::Behind),
        (Resource::Pods, 403, Filled::Never, State::Forbidden),
        (Resource::Pods, 403, Filled::Once, State::Behind),
        (Resource::Pods, 404, Filled::Never, State::Failing),
        (Resource::Pods, 404, Filled::Once, State::Behind),
        (Resource::Namespaces, 404, Filled::Once, State::Behind),
        (Resource::Deployments, 404, Filled::Once, State::Behind),
        (Resource::Autoscalers, 404, Filled::Once, State::Behind),
        (Resource::Injectors, 404, Filled::Once, State::Behind),
        (Resource::Gateways, 404, Filled::Once, State::NotInstalled),
        (Resource::EnvoyFilters, 404, Filled::Once, State::NotInstalled),
        (Resource::AuthorizationPolicies, 404, Filled::Never, State::NotInstalled),
        (Resource::WasmPlugins, 404, Filled::Never, State::NotInstalled),
    ];
    for (resource, code, filled, expected) in rows {
        let follow = follow(resource);
        follow.fails(&error(code), filled, &mut Attempts::none());
        let seen = follow.cluster.states().of(resource);
        assert_eq!(seen, expected, "{resource} {code} {filled:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_is_used_for_a_while_when_it_is_refused() {
    let follow = follow(Resource::EnvoyFilters);
    let mut attempts = Attempts::none();
    let refused = |attempts: &mut Attempts| {
        let wait = follow.fails(&error(403), Filled::Once, attempts);
        assert!(wait <= RETRY, "{wait:?}");
        follow.cluster.states().of(Resource::EnvoyFilters)
    };
    assert_eq!(refused(&mut attempts), State::Behind);
    tokio::time::advance(REFUSED.mul_f32(0.9)).await;
    attempts.after(&Event::<()>::Init);
    assert_eq!(refused(&mut attempts), State::Behind);
    tokio::time::advance(REFUSED.mul_f32(0.1)).await;
    attempts.after(&Event::<()>::Init);
    assert_eq!(refused(&mut attempts), State::Forbidden);
    attempts.after(&Event::Apply(()));
    assert_eq!(
        refused(&mut attempts),
        State::Behind,
        "it was allowed meanwhile"
    );
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_does_not_stream_is_asked_for_pages() {
    #[rustfmt::skip]
    let rows = [
        (Manner::Streamed, 422, &[Manner::Streamed, Manner::Paged][..]),
        (Manner::Streamed, 400, &[Manner::Streamed, Manner::Paged]),
        (Manner::Streamed, 403, &[Manner::Streamed]),
        (Manner::Streamed, 500, &[Manner::Streamed]),
        (Manner::Paged, 422, &[Manner::Paged]),
    ];
    for (first, code, expected) in rows {
        let opened = Mutex::new(Vec::new());
        let open = |manner| {
            opened.lock().unwrap().push(manner);
            stream::iter([Err(error(code))]).chain(stream::pending())
        };
        let task = super::follow(
            follow(Resource::Pods),
            (first, open),
            changes::pods,
            Filled::Never,
        );
        let ended = tokio::time::timeout(RETRY, task).await;
        assert!(ended.is_err(), "it never ends");
        assert_eq!(*opened.lock().unwrap(), expected, "{first:?} {code}");
    }
}
