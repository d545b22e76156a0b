# The image of meshmode: one binary on glibc, no shell, not root.
#
#   docker build -t meshmode:dev .
#
# Needs BuildKit (Docker 23 or newer) or Podman for the cache mounts. For several platforms,
# build on each: aws-lc is C and assembler, a cross-build would need a C compiler for it.
#
# Tags are pinned to a release, digests are not: nothing here could be checked to still be
# what it was. Whoever publishes images should append @sha256:... to both (and let a bot
# renew them): `docker buildx imagetools inspect gcr.io/distroless/cc-debian13:nonroot`.

# Debian 12 to build on, Debian 13 to run on: the binary asks for glibc 2.36 at most, the
# image has 2.41. The other way round it would not start. gcc is in this image; aws-lc needs
# neither cmake nor bindgen here.
FROM rust:1.95-bookworm AS build
WORKDIR /src
# Only what .dockerignore lets in: Cargo.toml, Cargo.lock, .cargo/, src/, benches/.
COPY . .
# The caches stay out of the image's layers, so the binary is copied out in the same step.
# touch: cargo goes by times, and sources older than the cached build would not be compiled.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    touch src/lib.rs src/main.rs \
    && cargo build --locked --release --bin meshmode \
    && install -D -m 0755 target/release/meshmode /out/meshmode

# Distroless rather than scratch with copied libraries: it has what a glibc program needs
# (libc with its own DNS resolver, libgcc_s for panics, nsswitch.conf, TLS roots in
# /etc/ssl/certs, time zones, passwd), fixed upstream, and its package list is there, so a
# scanner finds a vulnerable libc instead of seeing nothing. debian12 is no longer built
# (distroless issue 2129, September 2026).
FROM gcr.io/distroless/cc-debian13:nonroot
COPY --from=build /out/meshmode /meshmode

LABEL org.opencontainers.image.title="meshmode" \
      org.opencontainers.image.description="Places every Pod of a hybrid Istio mesh in a dataplane mode, and judges AuthorizationPolicies" \
      org.opencontainers.image.licenses="Apache-2.0"

# By number: with a name, Kubernetes can't check runAsNonRoot. The file belongs to root, so
# the program can't change itself.
USER 65532:65532
# 8443 HTTPS for the API server; 8080 plain HTTP for probes and metrics.
EXPOSE 8443 8080
# Kubernetes asks /livez and /readyz itself; there is no shell or curl here to do it with.
HEALTHCHECK NONE
ENTRYPOINT ["/meshmode"]
CMD ["serve"]
