#!/usr/bin/env bash
# image.sh OUT.tar NAME:TAG COMMAND FILE…: writes an OCI image with these files at the paths that they have here, or
# at PATH with FILE=PATH, and nothing else; `ctr images import` takes it. COMMAND is JSON: ["/program"].
set -euo pipefail
out=$1 name=$2 command=$3
shift 3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$work/image/blobs/sha256"

for file in "$@"; do
    install -D -m 0755 "${file%=*}" "$work/root${file#*=}"
done
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$work/root" -cf "$work/layer" .

blob() { # FILE MEDIA-TYPE: stores the file and prints what refers to it
    local hash
    hash=$(sha256sum "$1" | cut -d ' ' -f 1)
    cp "$1" "$work/image/blobs/sha256/$hash"
    printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s}' "$2" "$hash" "$(stat -c %s "$1")"
}

platform='"architecture":"'$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')'","os":"linux"'
layer=$(blob "$work/layer" layer.v1.tar)
printf '{%s,"config":{"User":"65532:65532","Entrypoint":%s},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
    "$platform" "$command" "$(sha256sum "$work/layer" | cut -d ' ' -f 1)" >"$work/config"
config=$(blob "$work/config" config.v1+json)
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
    "$config" "$layer" >"$work/manifest"
manifest=$(blob "$work/manifest" manifest.v1+json)
printf '{"schemaVersion":2,"manifests":[%s,"annotations":{"io.containerd.image.name":"%s"},"platform":{%s}}]}' \
    "${manifest%\}}" "$name" "$platform" >"$work/image/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/image/oci-layout"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$work/image" -cf "$out" .
