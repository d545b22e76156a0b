//! Modes, refusals and replacements, on a real file system.

use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::*;
use crate::tls::testing::issued;

fn names_in(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn assert_holds(folder: &Path, issued: &Issued) {
    let (authority, leaf) = (&issued.authority, &issued.leaf);
    for (name, content, key) in [
        ("ca.crt", &authority.cert_pem, false),
        ("ca.key", &authority.key_pem, true),
        ("tls.crt", &leaf.cert_pem, false),
        ("tls.key", &leaf.key_pem, true),
    ] {
        let path = folder.join(name);
        assert_eq!(&fs::read_to_string(&path).unwrap(), content, "{name}");
        if key {
            assert_eq!(mode(&path), 0o600, "{name}");
        }
    }
    assert_eq!(
        names_in(folder),
        ["ca.crt", "ca.key", "tls.crt", "tls.key"],
        "nothing else"
    );
}

#[test]
fn the_folder_is_made_and_keys_are_for_their_owner() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("not/there/yet");
    let issued = issued();
    let paths = write(&folder, &issued, Overwrite::Refuse).unwrap();
    let expected = ["ca.crt", "ca.key", "tls.crt", "tls.key"].map(|name| folder.join(name));
    assert_eq!(paths, expected);
    assert_holds(&folder, &issued);
}

#[test]
fn one_file_that_exists_is_enough_to_write_none() {
    for name in ["ca.crt", "ca.key", "tls.crt", "tls.key"] {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(name), "mine").unwrap();
        let error = write(root.path(), &issued(), Overwrite::Refuse).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(name) && text.contains("--force"), "{text}");
        assert_eq!(names_in(root.path()), [name]);
        assert_eq!(fs::read_to_string(root.path().join(name)).unwrap(), "mine");
    }
}

#[test]
fn a_symlink_to_nowhere_is_not_written_through() {
    let root = tempfile::tempdir().unwrap();
    symlink(root.path().join("elsewhere"), root.path().join("tls.key")).unwrap();
    let error = write(root.path(), &issued(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, WriteError::Exists { .. }), "{error:?}");
    assert_eq!(names_in(root.path()), ["tls.key"]);
}

#[test]
fn force_replaces_files_with_their_modes_and_not_what_symlinks_point_to() {
    let (root, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(root.path(), &issued(), Overwrite::Refuse).unwrap();
    let key = root.path().join("ca.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let pointed_to = other.path().join("precious");
    fs::write(&pointed_to, "mine").unwrap();
    fs::remove_file(root.path().join("tls.key")).unwrap();
    symlink(&pointed_to, root.path().join("tls.key")).unwrap();
    fs::write(root.path().join("tls.crt.new"), "left by a run that died").unwrap();

    let second = issued();
    write(root.path(), &second, Overwrite::Force).unwrap();
    assert_holds(root.path(), &second);
    assert_eq!(fs::read_to_string(&pointed_to).unwrap(), "mine");
}

#[test]
fn a_renewed_leaf_leaves_the_ca_alone() {
    let root = tempfile::tempdir().unwrap();
    let first = issued();
    write(root.path(), &first, Overwrite::Refuse).unwrap();
    let renewed = issued().leaf;
    let refused = write_leaf(root.path(), &renewed, Overwrite::Refuse).unwrap_err();
    assert!(matches!(refused, WriteError::Exists { .. }), "{refused:?}");
    assert_holds(root.path(), &first);
    let paths = write_leaf(root.path(), &renewed, Overwrite::Force).unwrap();
    assert_eq!(
        paths,
        ["tls.crt", "tls.key"].map(|name| root.path().join(name))
    );
    let leaf = renewed;
    assert_holds(root.path(), &Issued { leaf, ..first });
}

#[test]
fn what_cannot_be_written_is_named_and_nothing_is_left_behind() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = write(&file.join("folder"), &issued(), Overwrite::Refuse).unwrap_err();
    assert!(matches!(error, WriteError::Folder { .. }), "{error:?}");

    fs::create_dir(root.path().join("tls.key")).unwrap();
    let error = write(root.path(), &issued(), Overwrite::Force).unwrap_err();
    let WriteError::File { path, .. } = error else {
        panic!("{error:?}");
    };
    assert_eq!(path, root.path().join("tls.key"));
    let left = names_in(root.path());
    assert!(!left.iter().any(|name| name.ends_with(".new")), "{left:?}");
}

#[test]
fn a_failure_half_way_takes_back_what_was_written() {
    let root = tempfile::tempdir().unwrap();
    let missing = root.path().join("missing");
    let targets = [
        Target::new(root.path(), "a", "first", CERTIFICATE_MODE),
        Target::new(&missing, "b", "second", KEY_MODE),
    ];
    let error = create_all(&targets).unwrap_err();
    assert!(matches!(error, WriteError::File { .. }), "{error:?}");
    assert!(names_in(root.path()).is_empty());
}
