#!/usr/bin/env bash
# Builds what the tests with a real Istio need, as the go.mod beside this file names it: the programs
# pilot-discovery (istiod), istioctl, kwok (a simulated kubelet) and capture (which Pods ztunnel would get);
# and what an installation applies:
# - istio.yaml: the profile ambient, with the validator that has no objectSelector;
# - istio-other.yaml: the same as revision `other`;
# - gateway-api.yaml: the CRDs of the Gateway API;
# - kwok-stages.yaml: how kwok makes Nodes ready and Pods run.
#
# The last line on stdout is the folder with all that; tests/go-tools.sh says where it is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../go-tools.sh
. ../go-tools.sh

name=istio
purpose="Istio"
sources=(go.mod go.sum build.sh capture/main.go)

build() {
    local folder=$1 module
    go build -o "$folder/" tool ./capture

    # No kubeconfig, so that what comes out does not depend on a cluster.
    istioctl() { env -i HOME="$folder" "$folder/istioctl" "$@"; }
    # Without a default revision no validator sees objects that have no revision label.
    istioctl manifest generate --set profile=ambient --set values.defaultRevision=default >"$folder/istio.yaml"
    istioctl manifest generate --set profile=ambient --set revision=other >"$folder/istio-other.yaml"

    module=$(go list -m -f '{{.Dir}}' sigs.k8s.io/gateway-api)
    documents "$module"/config/crd/standard/*.yaml >"$folder/gateway-api.yaml"
    module=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
    documents "$module"/node/fast/node-*.yaml "$module"/pod/fast/pod-*.yaml >"$folder/kwok-stages.yaml"
}

# YAML files as the documents of one.
documents() {
    local file
    for file in "$@"; do
        echo ---
        cat "$file"
    done
}

build_once
