#!/usr/bin/env bash
# run.sh COMMAND…: runs COMMAND, the test of `make e2e-node`, on a node of its own: network, mounts, processes
# and cgroups that nobody else sees. All of it ends with COMMAND: the kernel kills the processes and drops mounts
# and network with their namespaces; the cgroups and the folder of the run are removed here.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

fail() { echo "node: $*" >&2; exit 1; }

[[ $EUID == 0 ]] || fail "a node needs root: run make e2e-node as root, or make e2e without"
# Debian's package beside each; the CNI plugins are no commands.
for need in containerd:containerd runc:runc nft:nftables busybox:busybox-static ip:iproute2 unshare:util-linux; do
    command -v "${need%:*}" >/dev/null || fail "${need%:*} is missing: install ${need#*:}"
done
[[ -x /usr/lib/cni/bridge ]] || fail "/usr/lib/cni/bridge is missing: install containernetworking-plugins"
# Pods run it as their pause container, in an image that has nothing else.
ldd "$(command -v busybox)" >/dev/null 2>&1 && fail "busybox needs libraries: install busybox-static"

MESHMODE_NODE=$(mktemp -d "${TMPDIR:-/tmp}/meshmode-node-XXXXXX")
# The test finds the folder of the run, and the one address of the node, by these.
export MESHMODE_NODE MESHMODE_NODE_ADDRESS=10.111.0.1
groups=()

# A group below the caller's in each hierarchy, never above: limits that hold for the caller hold for the node.
enter_groups() {
    local own controllers path folder
    # Read whole: it changes while the groups are entered.
    own=$(</proc/self/cgroup)
    while IFS=: read -r _ controllers path; do
        case $controllers in
            "") folder=/sys/fs/cgroup/unified; [[ -d $folder ]] || folder=/sys/fs/cgroup ;;
            name=*) folder=/sys/fs/cgroup/${controllers#name=} ;;
            *) folder=/sys/fs/cgroup/$controllers ;;
        esac
        [[ -e $folder/cgroup.procs ]] || continue
        folder=${folder}${path%/}/${MESHMODE_NODE##*/}
        mkdir "$folder"
        groups+=("$folder")
        # A new group of cpuset (version 1) has neither, and takes no process before.
        for file in cpuset.cpus cpuset.mems; do
            if [[ $controllers == *cpuset* ]]; then cat "${folder%/*}/$file" >"$folder/$file"; fi
        done
        echo 0 >"$folder/cgroup.procs"
    done <<<"$own"
}

leave() {
    local folder
    for folder in "${groups[@]}"; do
        echo 0 >"${folder%/*}/cgroup.procs" || true
        # The kernel takes a moment to forget the processes that it has killed.
        for _ in {1..50}; do
            find "$folder" -depth -type d -exec rmdir {} + 2>/dev/null
            [[ -d $folder ]] || break
            sleep 0.1
        done
        [[ ! -d $folder ]] || echo "node: could not remove $folder" >&2
    done
    rm -rf "$MESHMODE_NODE"
}
trap leave EXIT

enter_groups
# --kill-child, and setpriv for unshare itself: whoever is killed takes the node along.
setpriv --pdeathsig KILL \
    unshare --net --mount --pid --cgroup --uts --ipc --fork --kill-child=KILL --mount-proc --propagation private \
    "$here/init.sh" "$@"
