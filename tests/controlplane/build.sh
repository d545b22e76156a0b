#!/usr/bin/env bash
# Builds what the end-to-end tests start, as the go.mod beside this file names it.
#
#   build.sh        etcd, kube-apiserver, kube-controller-manager and kubectl
#   build.sh node   what a node needs beside them: kubelet, kube-proxy and kube-scheduler
#
# The last line on stdout is the folder with the binaries; tests/go-tools.sh says where that is.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=../go-tools.sh
. ../go-tools.sh

name=${1:-controlplane}
case $name in
    controlplane)
        purpose="the control plane"
        instead="Or set MESHMODE_E2E_KUBECONFIG to the kubeconfig of a cluster to test against."
        commands=(kube-apiserver kube-controller-manager kubectl)
        ;;
    node)
        purpose="the node"
        commands=(kubelet kube-proxy kube-scheduler)
        ;;
    *)
        echo "build.sh: $name is neither controlplane nor node" >&2
        exit 1
        ;;
esac
sources=(go.mod go.sum)

build() {
    local version major minor package ldflags
    version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
    IFS=. read -r major minor _ <<<"${version#v}"
    package=k8s.io/component-base/version
    # Unset, clients cannot parse the version, and istiod takes the cluster for an old one.
    ldflags="-X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"
    log "Kubernetes $version"
    go build -ldflags "$ldflags" -o "$1/" "${commands[@]/#/k8s.io/kubernetes/cmd/}"
    if [[ $name == controlplane ]]; then go build -o "$1/etcd" go.etcd.io/etcd/server/v3; fi
}

build_once
