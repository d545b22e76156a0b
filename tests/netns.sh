#!/usr/bin/env bash
# netns.sh COMMAND…: runs COMMAND, the test of `make e2e-roi`, in a network of its own that ends with it. Beside 127.0.0.1 it
# has one address, MESHMODE_NETNS_ADDRESS: an API server's proxy goes to no loopback address.
set -euo pipefail
for need in unshare:util-linux ip:iproute2; do
    command -v "${need%:*}" >/dev/null || { echo "netns: ${need%:*} is missing: install ${need#*:}" >&2; exit 1; }
done
export MESHMODE_NETNS_ADDRESS=10.111.1.1
network=(--net)
# Without root: the same user, with the right to set up the network that it makes.
[[ $EUID == 0 ]] || network+=(--map-current-user --keep-caps)
# shellcheck disable=SC2016 # read by the shell in the new network
exec unshare "${network[@]}" bash -c '
    ip link set lo up && ip address add "$MESHMODE_NETNS_ADDRESS/32" dev lo || {
        echo "netns: a network of its own cannot be set up here" >&2; exit 1; }
    exec "$@"' netns "$@"
