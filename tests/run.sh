#!/usr/bin/env bash
# What `make run` does: serve with the development certificates, send a recorded review of a real Pod to
# the server's own port, show the patch, and go on serving until Ctrl-C.
set -euo pipefail

binary=$1 listen=$2 status_listen=$3
review=tests/data/reviews/pod-usual.json

command -v curl >/dev/null || { echo "make run needs curl: install it (apt-get install curl)" >&2; exit 1; }

"$binary" serve --listen "$listen" --status-listen "$status_listen" \
  --tls-cert certs/tls.crt --tls-key certs/tls.key --shutdown-delay 0s &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT

curl --silent --output /dev/null --retry 50 --retry-delay 0 --retry-max-time 10 --retry-all-errors \
  --fail "http://$status_listen/readyz" || { echo "meshmode did not get ready; its log is above" >&2; exit 1; }

echo
echo "> POST https://$listen/mutate/pods < $review"
answer=$(curl --silent --show-error --fail --cacert certs/ca.crt --header 'content-type: application/json' \
  --data-binary "@$review" "https://$listen/mutate/pods")
echo "$answer"
echo
echo "the patch in it:"
sed -n 's/.*"patch":"\([^"]*\)".*/\1/p' <<<"$answer" | base64 --decode | sed 's/},{/},\n {/g'
echo
echo
echo "serving on https://$listen (metrics: http://$status_listen/metrics); Ctrl-C ends it"
wait "$server"
