# meshmode: `make help` lists the targets.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

CARGO ?= cargo
# Where `make run` serves.
LISTEN ?= 127.0.0.1:8443
STATUS_LISTEN ?= 127.0.0.1:8080
# The cluster of `make e2e`: local (an API server built from its Go module) or kind (needs Docker).
CLUSTER ?= local
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
BINARY := $(abspath $(TARGET_DIR))/release/meshmode
IMAGE ?= meshmode:dev
# Where `make roi-pages` leaves pages and pictures of them.
ROI_PAGES ?= $(abspath $(TARGET_DIR))/roi-pages

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: build certs ## Build, make certificates, serve, answer a recorded review, and go on serving
	@tests/run.sh "$(BINARY)" "$(LISTEN)" "$(STATUS_LISTEN)"

.PHONY: test
test: ## Run the tests that need nothing but Rust
	$(CARGO) test --locked

.PHONY: build
build: ## Build the released binary
	$(CARGO) build --release --locked

.PHONY: certs
certs: build ## Make development certificates in certs/, where there are none
	@test -e certs/tls.crt || "$(BINARY)" certs --out certs

.PHONY: flood
flood: build ## Flood the released binary with connections and bodies, and hold its memory and latency
	MESHMODE_FLOOD=1 MESHMODE_E2E_BINARY="$(BINARY)" $(CARGO) test --locked --test flood -- --nocapture

.PHONY: e2e
e2e: e2e-$(CLUSTER) ## Run the end-to-end tests against a real API server (CLUSTER=local or kind)

.PHONY: e2e-local
e2e-local: build
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" \
	MESHMODE_E2E_BINARY="$(BINARY)" $(CARGO) test --locked --test e2e -- --nocapture

.PHONY: e2e-kind
e2e-kind: certs
	CARGO="$(CARGO)" tests/kind.sh "$(IMAGE)"

.PHONY: e2e-node
e2e-node: build ## Run the shipped manifests on a real node, under load (root; builds kubelet the first time)
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" \
	MESHMODE_NODE_BIN="$$(tests/controlplane/build.sh node | tail -n 1)" \
	MESHMODE_E2E_BINARY="$(BINARY)" \
	$(CARGO) --config 'target."cfg(all())".runner = "tests/node/run.sh"' \
	  test --locked --test e2e-node -- --nocapture

.PHONY: e2e-istio
e2e-istio: build ## Compare predictions with a real istiod and istio-cni (builds them the first time)
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" \
	MESHMODE_ISTIO_BIN="$$(tests/istio/build.sh | tail -n 1)" \
	MESHMODE_E2E_BINARY="$(BINARY)" $(CARGO) test --locked --test e2e-istio -- --nocapture

.PHONY: e2e-roi
e2e-roi: build ## Compare the cost report with true costs, in a real Prometheus and browser (needs prometheus, promtool, chromium)
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" \
	MESHMODE_E2E_BINARY="$(BINARY)" \
	$(CARGO) --config 'target."cfg(all())".runner = "tests/netns.sh"' test --locked --test e2e-roi -- --nocapture

.PHONY: conformance
conformance: export MESHMODE_CONFORMANCE ?= 5000
conformance: e2e-istio ## Compare thousands of random policies with a real istiod, and nothing else

.PHONY: matrix
matrix: export MESHMODE_WRITE_MATRIX = 1
matrix: e2e-istio ## Write docs/placement-matrix.md anew, from what a real Istio does

.PHONY: roi-pages
roi-pages: ## Show the report of roi in headless Chromium, check its figures, leave pictures (CHROMIUM, ROI_PAGES)
	MESHMODE_ROI_PAGES="$(ROI_PAGES)" $(CARGO) test --locked --test roi-pages -- --nocapture

.PHONY: record
record: build ## Record the reviews of tests/data/reviews/ anew from the real API server
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" MESHMODE_RECORD=tests/data/reviews \
	MESHMODE_E2E_BINARY="$(BINARY)" $(CARGO) test --locked --test e2e -- --nocapture

.PHONY: bench
bench: build ## Measure reviews: the pure paths, and the server beside a constant answer and a webhook in Go (needs Go, h2load)
	@command -v h2load > /dev/null || { echo "make bench needs h2load on the PATH (Debian: nghttp2-client)" >&2; exit 1; }
	@benches/peers/build.sh > /dev/null
	$(CARGO) bench --locked --bench review --bench verdict --bench account
	MESHMODE_BENCH_BINARY="$(BINARY)" MESHMODE_PEERS_BIN="$$(benches/peers/build.sh | tail -n 1)" \
	$(CARGO) bench --locked --bench compare

.PHONY: bench-cluster
bench-cluster: build ## Measure what a create of a Pod costs at a real API server, with and without webhooks and Istio
	MESHMODE_CONTROLPLANE_BIN="$$(tests/controlplane/build.sh | tail -n 1)" \
	MESHMODE_ISTIO_BIN="$$(tests/istio/build.sh | tail -n 1)" \
	MESHMODE_PEERS_BIN="$$(benches/peers/build.sh | tail -n 1)" \
	MESHMODE_BENCH_BINARY="$(BINARY)" MESHMODE_E2E_BINARY="$(BINARY)" $(CARGO) bench --locked --bench cluster

.PHONY: bench-server
bench-server: build ## Measure the serving process: start, first review, memory, load
	MESHMODE_BENCH_BINARY="$(BINARY)" $(CARGO) bench --locked --bench server

.PHONY: soak
soak: build ## Serve for an hour under load, renewals and new configurations: nothing may grow (MESHMODE_SOAK_SECONDS)
	MESHMODE_BENCH_BINARY="$(BINARY)" $(CARGO) bench --locked --bench soak

.PHONY: fuzz
fuzz: ## Fuzz all that parses, with stable Rust: 10 million runs, or FUZZ_SECONDS of each target (needs g++)
	@fuzz/run.sh

.PHONY: monitoring
monitoring: ## Check the alert rules and when they fire (needs promtool)
	@tests/monitoring.sh

.PHONY: monitoring-write
monitoring-write: ## Make the PrometheusRule anew from manifests/monitoring/rules.yaml (needs promtool)
	@tests/monitoring.sh write

.PHONY: lint
lint: ## Check format, clippy and documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	@# --all-targets leaves out what cargo test leaves out.
	$(CARGO) clippy --locked --test e2e --test e2e-istio --test e2e-node --test e2e-roi --test roi-pages -- -D warnings
	@# A dependency of the package is one of the fuzz targets', whose lock file is another.
	$(CARGO) metadata --locked --format-version 1 --manifest-path fuzz/Cargo.toml > /dev/null
	RUSTDOCFLAGS="-D rustdoc::all -A rustdoc::private_doc_tests" $(CARGO) doc --locked --no-deps

.PHONY: deny
deny: ## Check licences, bans and sources of all dependencies (needs cargo-deny)
	$(CARGO) deny --locked check licenses bans sources

.PHONY: deny-advisories
deny-advisories: ## Check for known vulnerabilities (needs cargo-deny, and GitHub for the RustSec database)
	$(CARGO) deny --locked check advisories

.PHONY: schema
schema: build ## Write manifests/config.schema.json anew
	"$(BINARY)" config schema > manifests/config.schema.json

.PHONY: order
order: build certs ## Write startup.order anew: the functions that run at start, for the linker (needs valgrind)
	@tests/order.sh "$(BINARY)" > startup.order.new && mv startup.order.new startup.order

.PHONY: image
image: ## Build the container image (needs Docker)
	docker build --tag "$(IMAGE)" .

.PHONY: clean
clean: ## Remove what was built and the development certificates
	$(CARGO) clean
	rm -f certs/ca.crt certs/ca.key certs/tls.crt certs/tls.key
