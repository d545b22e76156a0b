#!/usr/bin/env bash
# Builds the control plane that the end-to-end tests start: etcd, kube-apiserver,
# kube-controller-manager and kubectl, as the go.mod beside this file names them.
#
# The last line on stdout is the folder with the four binaries; all else goes to stderr.
# The folder is in a cache outside git, and named after what the binaries are made
# from: a second run finds it and does nothing. The first takes some minutes.
set -euo pipefail

cache="${MESHMODE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/meshmode}/controlplane"
mkdir -p "$cache"
cache=$(realpath "$cache")

cd "$(dirname "${BASH_SOURCE[0]}")"

log() { echo "controlplane: $*" >&2; }

if ! command -v go >/dev/null; then
    log "go is not on the PATH, and the control plane is built with it."
    log "Install Go $(awk '$1 == "go" { print $2 }' go.mod) or newer, or set MESHMODE_E2E_KUBECONFIG"
    log "to the kubeconfig of a cluster to test against."
    exit 1
fi

# Without cgo the binaries need nothing of the machine; no go.work may replace modules.
export CGO_ENABLED=0 GOWORK=off

hash=$({ cat go.mod go.sum && go version; } | sha256sum | cut -c1-16)
folder="$cache/$hash"

# Two test runs at once: the second waits for the build of the first.
if command -v flock >/dev/null; then
    exec 9>"$cache/lock"
    flock 9
fi

if [[ ! -d "$folder" ]]; then
    version=$(go list -m -f '{{.Version}}' k8s.io/kubernetes)
    IFS=. read -r major minor _ <<<"${version#v}"
    package=k8s.io/component-base/version
    # Unset, clients cannot parse the version, and istiod takes the cluster for an old one.
    ldflags="-X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor"

    log "building Kubernetes $version (minutes the first time) into $folder"
    unfinished=$(mktemp -d "$folder.XXXXXX")
    trap 'rm -rf "$unfinished"' EXIT
    go build -ldflags "$ldflags" -o "$unfinished/" tool >&2
    mv "$unfinished/server" "$unfinished/etcd"
    chmod 755 "$unfinished"
    # The name appears only now, whole: a broken build is never taken for done.
    mv "$unfinished" "$folder"
    log "built in $SECONDS s"
fi

echo "$folder"
