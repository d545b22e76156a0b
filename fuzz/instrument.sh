#!/usr/bin/env bash
# rustc, as cargo calls it (RUSTC_WRAPPER): what is looked into is compiled with counters that libFuzzer reads; the
# rest, proc macros and build scripts among it, as always.
set -euo pipefail

case "${CARGO_CRATE_NAME:-}" in build_script_*) exec "$@" ;; esac
case "${CARGO_PKG_NAME:-}" in
  meshmode | meshmode-fuzz | cel | antlr4rust | serde_json | serde-saphyr | granit-parser | rustls-pki-types | x509-parser | der-parser | asn1-rs)
    exec "$@" -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
      -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
      -Cllvm-args=-sanitizer-coverage-trace-compares ;;
  *) exec "$@" ;;
esac
