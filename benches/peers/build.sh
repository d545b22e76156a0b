#!/usr/bin/env bash
# Builds the webhook that `make bench` measures beside meshmode, as the go.mod beside this file names its modules.
#
# The last line on stdout is the folder with the program `peers`; tests/go-tools.sh says where that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../../tests/go-tools.sh
. ../../tests/go-tools.sh

name=peers
purpose="the webhook to compare with"
sources=(go.mod go.sum build.sh main.go pod_webhook.go)

build() {
    # Without symbols, as meshmode's release has none of its debugger.
    go build -trimpath -ldflags "-s -w" -o "$1/peers" .
}

build_once
