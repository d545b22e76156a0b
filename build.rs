//! Tells the linker to write relocations in their packed form (RELR): 1.5 MB less to read at each start, and less
//! resident memory.

#![expect(
    clippy::disallowed_methods,
    reason = "this is how cargo tells a build script its target"
)]

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = std::env::var("TARGET").unwrap_or_default();
    // Understood by the loader of glibc 2.36 and newer (2022); musl and others are left as they are.
    if target.ends_with("-linux-gnu") {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
}
