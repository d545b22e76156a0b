//! How large what is shipped is: the program, and an image of it and the libraries it is linked with.

use std::path::Path;
use std::process::Command;

/// In MiB.
pub(crate) struct Size {
    pub(crate) binary: f64,
    pub(crate) image: f64,
}

/// Makes the image as `make e2e-node` does: neither Docker nor a base image.
pub(crate) fn of(binary: &Path, folder: &Path) -> Size {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node/image.sh");
    let image = folder.join("image.tar");
    let made = Command::new(script)
        .arg(&image)
        .args(["image:measured", r#"["/program"]"#])
        .arg(format!("{}=/program", binary.display()))
        .args(libraries(binary))
        .output()
        .expect("tests/node/image.sh");
    assert!(made.status.success(), "{made:?}");
    Size {
        binary: mebibytes(binary),
        image: mebibytes(&image),
    }
}

/// None where it is linked with nothing.
fn libraries(binary: &Path) -> Vec<String> {
    let output = Command::new("ldd").arg(binary).output().expect("ldd");
    let text = String::from_utf8_lossy(&output.stdout);
    let words = text.split_whitespace();
    words
        .filter(|word| word.starts_with('/'))
        .map(str::to_owned)
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "some millions")]
fn mebibytes(file: &Path) -> f64 {
    std::fs::metadata(file).expect("a file").len() as f64 / f64::from(1 << 20)
}
