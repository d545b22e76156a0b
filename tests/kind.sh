#!/usr/bin/env bash
# What `make e2e CLUSTER=kind` does: a kind cluster of our own, meshmode in it as an image, the same
# end-to-end tests against it. The cluster is deleted at the end.
set -euo pipefail

image=$1 cluster=meshmode-e2e
for tool in docker kind kubectl; do
  command -v "$tool" >/dev/null || { echo "make e2e CLUSTER=kind needs $tool: install it, or use CLUSTER=local" >&2; exit 1; }
done

kubeconfig=$(mktemp)
trap 'kind delete cluster --name "$cluster" >/dev/null 2>&1 || true; rm -f "$kubeconfig"' EXIT
docker build --tag "$image" .
kind create cluster --name "$cluster" --kubeconfig "$kubeconfig" --wait 120s
kind load docker-image "$image" --name "$cluster"
export KUBECONFIG=$kubeconfig

kubectl create namespace meshmode-system --dry-run=client -o yaml | kubectl apply -f -
kubectl -n meshmode-system create secret tls meshmode-tls --cert=certs/tls.crt --key=certs/tls.key \
  --dry-run=client -o yaml | kubectl apply -f -
# kustomize reads no file above its own folder: the caBundle is filled in on the way.
kubectl kustomize manifests/overlays/kind |
  awk -v ca="$(base64 <certs/ca.crt | tr -d '\n')" '
    { print } /^ *clientConfig:$/ { sub(/clientConfig:.*/, "  caBundle: " ca); print }' |
  kubectl apply -f -
kubectl -n meshmode-system rollout status deployment/meshmode --timeout=120s

MESHMODE_E2E_KUBECONFIG=$kubeconfig "${CARGO:-cargo}" test --locked --test e2e -- --nocapture
