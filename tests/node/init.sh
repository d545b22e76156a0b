#!/usr/bin/env bash
# init.sh COMMAND…: process 1 of the node (run.sh starts it in the new namespaces). Makes of them what kubelet,
# containerd and kube-proxy expect of a machine, and runs COMMAND.
set -euo pipefail
trap 'echo "node: init.sh failed at line $LINENO" >&2' ERR
folder=$MESHMODE_NODE

hostname node

# The groups that run.sh made look like the root of each hierarchy: mount them anew.
groups=$(</proc/self/cgroup)
mount -t tmpfs groups /sys/fs/cgroup
if [[ $groups == 0::* && $groups != *$'\n'* ]]; then
    # cgroup version 2 (written down, not tried: the machines at hand have version 1). A group that hands on
    # controllers may have no processes of its own.
    umount /sys/fs/cgroup
    mount -t cgroup2 group /sys/fs/cgroup
    mkdir /sys/fs/cgroup/init
    echo 0 >/sys/fs/cgroup/init/cgroup.procs
    for controller in $(</sys/fs/cgroup/cgroup.controllers); do
        echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
    done
else
    while IFS=: read -r _ controllers _; do
        target=/sys/fs/cgroup/${controllers#name=}
        case $controllers in
            "") target+=unified options="-t cgroup2" ;;
            name=*) options="-t cgroup -o none,$controllers" ;;
            *) options="-t cgroup -o $controllers" ;;
        esac
        mkdir "$target"
        # shellcheck disable=SC2086 # several words
        mount $options group "$target"
    done <<<"$groups"
fi

# What the components write is written into the folder of the run, not into the machine's.
for path in /var/lib /var/log; do
    mkdir -p "$folder$path"
    mount --bind "$folder$path" "$path"
done
mount -t tmpfs run /run
mkdir /run/lock

# Settings of the whole kernel that kubelet writes: it gets files of its own, and the machine keeps its settings.
mkdir "$folder/sysctl"
for setting in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 \
    kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
    file=$folder/sysctl/${setting//\//.}
    echo "${setting#*=}" >"$file"
    mount --bind "$file" "/proc/sys/${setting%=*}"
done
mount --make-rshared /

# An address of the node, and a default route, which leads nowhere.
ip link set lo up
ip link add node0 type veth peer name node1
ip link set node0 up
ip link set node1 up
ip address add "$MESHMODE_NODE_ADDRESS/24" dev node0
ip route add default dev node0
echo 1 >/proc/sys/net/ipv4/ip_forward

# Not `exec`: process 1 must reap the containers' orphans, and a shell does.
status=0
"$@" &
wait $! || status=$?
exit $status
