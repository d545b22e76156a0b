//! What counts as a change, and how often it is told.

use std::fs;

use tokio::sync::mpsc;
use tokio::time::timeout;

use super::kubelet::Volume;
use super::*;

fn text(change: Option<Result<[Vec<u8>; 1], ReadError>>) -> Option<String> {
    change.map(|reading| match reading {
        Ok([content]) => String::from_utf8(content).unwrap(),
        Err(error) => format!("error: {error}"),
    })
}

#[test]
fn each_change_is_reported_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut watch = ContentWatch::new([path.clone()]);
    let missing = format!(
        "error: cannot read {}: check that it exists and that meshmode's user may read it",
        path.display()
    );
    let write = |content: &str| fs::write(&path, content).unwrap();
    let remove = || fs::remove_file(&path).unwrap();
    type Step<'a> = (&'a str, &'a dyn Fn(), Option<&'a str>);
    let steps: [Step<'_>; 11] = [
        ("not there at the start", &|| {}, Some(&missing)),
        ("still not there", &|| {}, None),
        ("comes", &|| write("one"), Some("one")),
        ("stays", &|| {}, None),
        (
            "is written again with the same bytes",
            &|| write("one"),
            None,
        ),
        ("changes at the same length", &|| write("two"), Some("two")),
        ("becomes empty", &|| write(""), Some("")),
        ("goes", &remove, Some(&missing)),
        ("stays away", &|| {}, None),
        (
            "comes back as it was: the alarm can end",
            &|| write(""),
            Some(""),
        ),
        ("stays again", &|| {}, None),
    ];
    for (name, change, expected) in steps {
        change();
        assert_eq!(text(watch.poll()).as_deref(), expected, "{name}");
    }
}

#[test]
fn another_error_of_the_same_file_is_news() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let mut watch = ContentWatch::new([path.clone()]);
    assert!(matches!(
        watch.poll(),
        Some(Err(ReadError::Unreadable { .. }))
    ));
    fs::create_dir(&path).unwrap();
    assert!(matches!(
        watch.poll(),
        Some(Err(ReadError::Unreadable { .. }))
    ));
    assert!(watch.poll().is_none());
    fs::remove_dir(&path).unwrap();
    fs::write(
        &path,
        vec![b'x'; usize::try_from(MAX_FILE_BYTES).unwrap() + 1],
    )
    .unwrap();
    assert!(matches!(
        watch.poll(),
        Some(Err(ReadError::TooLarge { .. }))
    ));
    assert!(watch.poll().is_none());
}

#[test]
fn what_was_read_at_the_start_is_not_reported_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, "one").unwrap();
    let mut watch = ContentWatch::new([path.clone()]);
    assert_eq!(watch.read().unwrap(), [b"one"]);
    assert_eq!(text(watch.poll()), None);
    fs::write(&path, "two").unwrap();
    assert_eq!(text(watch.poll()).as_deref(), Some("two"));
}

#[test]
fn files_keep_their_order_and_one_that_changes_is_enough() {
    let mut volume = Volume::new(&[("a", b"a1"), ("b", b"b1")]);
    let mut watch = ContentWatch::new([volume.path("b"), volume.path("a")]);
    assert_eq!(watch.poll().unwrap().unwrap(), [b"b1", b"a1"]);
    volume.swap(&[("a", b"a2"), ("b", b"b1")]);
    assert_eq!(watch.poll().unwrap().unwrap(), [b"b1", b"a2"]);
}

#[test]
fn debug_shows_no_content() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls.key");
    fs::write(&path, "secret").unwrap();
    let mut watch = ContentWatch::new([path]);
    watch.read().unwrap();
    let debug = format!("{watch:?}");
    assert!(
        debug.contains("tls.key") && !debug.contains("115"),
        "{debug}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_loop_sees_every_swap_of_the_kubelet() {
    let mut volume = Volume::new(&[("config.yaml", b"one")]);
    let watch = ContentWatch::new([volume.path("config.yaml")]);
    let (send, mut changes) = mpsc::unbounded_channel();
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(watch.run(Duration::from_secs(10), move |change| {
        send.send(text(Some(change)).unwrap()).unwrap();
    }));
    for content in ["one", "two", "three", "two"] {
        volume.swap(&[("config.yaml", content.as_bytes())]);
        let change = timeout(Duration::from_secs(11), changes.recv()).await;
        assert_eq!(change.unwrap().as_deref(), Some(content));
    }
    let quiet = timeout(Duration::from_secs(60), changes.recv()).await;
    assert!(quiet.is_err(), "nothing changed, yet: {quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn the_loop_reports_an_error_that_lasts_only_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gone");
    let watch = ContentWatch::new([path]);
    let mut reports = 0;
    let run = watch.run(Duration::ZERO, |change| {
        assert!(change.is_err());
        reports += 1;
    });
    assert!(timeout(Duration::from_secs(1), run).await.is_err());
    assert_eq!(reports, 1);
}
