//! How the binary is linked, for a process that is small at rest: most of its resident memory are pages of the
//! binary itself.

#![expect(
    clippy::disallowed_methods,
    reason = "this is how cargo tells a build script its target"
)]

use std::env;

/// The functions that run before the first review, as callgrind names them (`make order` writes it anew). Side by
/// side they take a third of the pages. A name that is not there any more is passed over.
const ORDER: &str = "startup.order";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed={ORDER}");
    // The path below is absolute: a target folder that moves, or that two checkouts share, needs another one.
    println!("cargo:rerun-if-env-changed=CARGO_MANIFEST_DIR");
    let target = env::var("TARGET").unwrap_or_default();
    // Relocations in packed form (RELR): 1.5 MB less to read at each start. Understood by the loader of glibc 2.36
    // and newer (2022); musl and others are left as they are.
    if target.ends_with("-linux-gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // Where rustc links with its own lld; other linkers do not know these.
    if target == "x86_64-unknown-linux-gnu" {
        let folder = env::var("CARGO_MANIFEST_DIR").unwrap_or_default();
        println!("cargo:rustc-link-arg-bins=-Wl,--symbol-ordering-file={folder}/{ORDER}");
        println!("cargo:rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
}
