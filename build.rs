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
    let target = env::var("TARGET").unwrap_or_default();
    // Relocations in packed form (RELR): 1.5 MB less to read at each start. Understood by the loader of glibc 2.36
    // and newer (2022); musl and others are left as they are.
    if target.ends_with("-linux-gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    // Where rustc links with its own lld; other linkers do not know these.
    if target == "x86_64-unknown-linux-gnu" {
        // Cargo links in the root of the workspace, which is this folder. With a path from `/` a target folder that two
        // checkouts share would keep the first one's.
        println!("cargo:rustc-link-arg-bins=-Wl,--symbol-ordering-file={ORDER}");
        println!("cargo:rustc-link-arg-bins=-Wl,--no-warn-symbol-ordering");
    }
}
