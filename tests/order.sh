#!/usr/bin/env bash
# What `make order` does: starts the released binary under callgrind, sends it reviews, and prints the functions that
# ran, one a line, in the order callgrind saw them. startup.order is the result; build.rs gives it to the linker.
set -euo pipefail

binary=$1 listen=127.0.0.1:18443 status=127.0.0.1:18080

for tool in valgrind nm curl; do
  command -v "$tool" >/dev/null || { echo "make order needs $tool: install it" >&2; exit 1; }
done

folder=$(mktemp -d)
valgrind --tool=callgrind --callgrind-out-file="$folder/calls" --compress-strings=no --demangle=no \
  "$binary" serve --listen "$listen" --status-listen "$status" --tls-cert certs/tls.crt --tls-key certs/tls.key \
  --cluster off --log-format json --shutdown-delay 0s \
  2>"$folder/log" >&2 &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT

curl --silent --output /dev/null --retry 100 --retry-delay 0 --retry-max-time 60 --retry-all-errors --fail \
  "http://$status/readyz" || { cat "$folder/log" >&2; exit 1; }
# As the API server asks: over HTTP/1.1 and a connection that is kept, with the cipher that Go prefers.
review() {
  echo "--next --silent --fail --http1.1 --tls13-ciphers TLS_AES_128_GCM_SHA256 --output /dev/null --cacert certs/ca.crt" \
    "--header content-type:application/json --data-binary @tests/data/reviews/pod-$1.json https://$listen/mutate/pods?timeout=3s"
}
# shellcheck disable=SC2046 # words
curl --silent $(for name in usual small large usual; do review "$name"; done)
curl --silent --fail --output /dev/null "http://$status/metrics"
kill "$server"
wait "$server" || true

# Of what ran, what is in the binary itself.
awk 'NR == FNR { here[$NF] = 1; next }
     sub(/^c?fn=/, "") { sub(/\x27[0-9]+$/, ""); if ($0 in here && !seen[$0]++) print }' \
  <(nm "$binary" | awk '$(NF - 1) ~ /^[tTwW]$/') "$folder/calls"
