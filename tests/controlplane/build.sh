#!/usr/bin/env bash
# Builds the control plane that the end-to-end tests start: etcd, kube-apiserver,
# kube-controller-manager and kubectl, as the go.mod beside this file names them.
#
# The last line on stdout is the folder with the four binaries; tests/go-tools.sh says where that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../go-tools.sh
. ../go-tools.sh

name=controlplane
purpose="the control plane"
instead="Or set MESHMODE_E2E_KUBECONFIG to the kubeconfig of a cluster to test against."
sources=(go.mod go.sum)

build() {
    local version major minor package ldflags
    version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
    IFS=. read -r major minor _ <<<"${version#v}"
    package=k8s.io/component-base/version
    # Unset, clients cannot parse the version, and istiod takes the cluster for an old one.
    ldflags="-X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
    log "Kubernetes $version"
    go build -ldflags "$ldflags" -o "$1/" tool
    mv "$1/server" "$1/etcd"
}

build_once
