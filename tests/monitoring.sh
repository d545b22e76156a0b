#!/usr/bin/env bash
# The alert rules of manifests/monitoring: that the PrometheusRule is what its source says, that Prometheus takes them,
# and that each fires when it should and not else (tests/monitoring/rules.test.yaml). With `write` it makes the
# PrometheusRule anew.
set -euo pipefail
cd "$(dirname "$0")/.."

folder=manifests/monitoring
promtool="${PROMTOOL:-promtool}"

prometheusrule() { # the head as it is, and the groups of the source
  sed '/^spec:/q' "$folder/prometheusrule.yaml"
  sed -n '/^groups:/,$p' "$folder/rules.yaml" | sed 's/^\(.\)/  \1/'
}

made=$(prometheusrule)
if [[ "${1:-}" == write ]]; then
  printf '%s\n' "$made" > "$folder/prometheusrule.yaml"
elif ! diff <(printf '%s\n' "$made") "$folder/prometheusrule.yaml"; then
  echo "$folder/prometheusrule.yaml is not what rules.yaml says: run \`make monitoring-write\`" >&2
  exit 1
fi

if ! command -v "$promtool" >/dev/null; then
  echo "promtool is not on the PATH: it comes with Prometheus (Debian package prometheus), or name it in PROMTOOL" >&2
  exit 1
fi
"$promtool" check rules "$folder/rules.yaml"
"$promtool" test rules tests/monitoring/rules.test.yaml
