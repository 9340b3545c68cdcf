# Everything a developer runs. `make` or `make help` lists the targets.
# Only Go is needed for run, test, lint, bench, fuzz and build; e2e uses
# python3, Node and Chromium as well, where they are; ui* need Node.

GO      ?= go
BIN     ?= bin/tracebed
DATA    ?= ./data
LISTEN  ?= 127.0.0.1:8787
FUZZTIME ?= 10s
PKGS    ?= ./...
SEEDS   ?= 2000
N       ?= 10000
ROUNDS  ?= 30

.DEFAULT_GOAL := help
.PHONY: help run build test e2e e2e-browser bench-ui lint lint-peers bench bench-all bench-bars bench-check bench-compare bench-micro fuzz sim sweep flips kill power ui ui-test ui-check clean soak vuln

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## build, then serve $(DATA) with demo data and print the link
	$(BIN) serve --data $(DATA) --listen $(LISTEN) --demo

build: ## build the static binary bin/tracebed
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o $(BIN) ./cmd/tracebed

test: ## all tests with the race detector, where a C compiler is at hand
	@if [ "$$($(GO) env CGO_ENABLED)" = 1 ]; then \
	  echo '$(GO) test -race -timeout 25m $(PKGS)'; $(GO) test -race -timeout 25m $(PKGS); \
	else \
	  echo 'no C compiler, so without the race detector: $(GO) test $(PKGS)'; $(GO) test $(PKGS); \
	fi

e2e: build ## tests that drive the real binary, with real clients where python3 and node are, and the page where Chromium is
	TRACEBED_BIN=$(abspath $(BIN)) $(GO) test -tags e2e -count 1 -timeout 30m -v ./e2e
	TRACEBED_BIN=$(abspath $(BIN)) e2e/browser/run

e2e-browser: build ## the page in a real browser only; TESTS=traces.test.mjs for one file
	TRACEBED_BIN=$(abspath $(BIN)) e2e/browser/run $(TESTS)

bench-ui: build ## how soon the page shows and switches tabs on a million traces (minutes; needs Node and Chromium)
	TRACEBED_BIN=$(abspath $(BIN)) e2e/browser/run bench.mjs

WEB := httpapi/ui/web

$(WEB)/node_modules/.package-lock.json: $(WEB)/package-lock.json
	cd $(WEB) && npm ci

ui: $(WEB)/node_modules/.package-lock.json ## build the page: httpapi/ui/dist of httpapi/ui/web (needs Node)
	cd $(WEB) && npm run build

ui-test: $(WEB)/node_modules/.package-lock.json ## types and unit tests of the page (needs Node)
	cd $(WEB) && npm run check && npm test

ui-check: ui-test ui ## the same, and that the committed page is what its sources make
	@changed=$$(git status --porcelain httpapi/ui/dist); \
	  if [ -n "$$changed" ]; then echo "httpapi/ui/dist is not what its sources make; run make ui and commit:"; echo "$$changed"; exit 1; fi

lint: ## gofmt, go vet and golangci-lint (its version is in tools/go.mod)
	@bad=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	  if [ -n "$$bad" ]; then echo "not gofmt-ed:"; echo "$$bad"; exit 1; fi
	$(GO) vet -tags e2e ./...
	cd tools && $(GO) build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	bin/golangci-lint run ./...

lint-peers: lint ## the same for bench/peers, a module of its own (C compiler, fetches the stores' drivers)
	cd bench/peers && ../../bin/golangci-lint run ./...

PEERS := bench/peers/bin/peers

.PHONY: $(PEERS)
$(PEERS):
	cd bench/peers && $(GO) build -o bin/peers .

bench: $(PEERS) ## Tracebed beside SQLite and DuckDB and what the machine allows (10 minutes, C compiler, 20 GB of disk)
	$(PEERS) run -out bin/bench.json -fresh -n 20000 -sizes 20000
	$(PEERS) run -out bin/bench.json -n 20000 -sizes 200000 -work fill,read,w5 -drivers tracebed,http,sqlite
	$(PEERS) report -in bin/bench.json

bench-all: $(PEERS) ## the same with PostgreSQL, ClickHouse and a million traces; writes docs/benchmarks.md (an hour)
	$(PEERS) run -out bin/bench-all.json -fresh -drivers all -sizes 20000,200000,1000000
	$(PEERS) report -in bin/bench-all.json -docs docs

bench-check: ## the drivers of the comparison answer alike
	cd bench/peers && $(GO) test ./...

bench-bars: ## the bars of the storage design, each beside its comparison (about 4 minutes)
	$(GO) test -run '^$$' -bench . -benchtime 1x -timeout 30m ./bench

MICRO := ./bench/gen ./engine/... ./index/... ./rollup/... ./httpapi/...
BASE  ?= HEAD

bench-compare: ## the micro-benchmarks here beside those at BASE=revision, by benchstat (PKGS=./engine/frame BENCH=Encode COUNT=6)
	GO=$(GO) BENCH='$(BENCH)' COUNT=$(COUNT) tools/bench-compare.sh $(BASE) $(if $(filter command line environment,$(origin PKGS)),$(PKGS),$(MICRO))

bench-micro: ## the benchmarks beside the code they defend (minutes)
	$(GO) test -run '^$$' -bench . -benchmem $(MICRO)

sim: ## simulated lives of a store for SEEDS seeds, then as many histories against the model
	TRACEBED_SIM=$(SEEDS) $(GO) test -run '^TestSim$$' -count 1 -timeout 10h -v ./engine
	TRACEBED_HISTORIES=$(SEEDS) $(GO) test -run '^TestModel$$' -count 1 -timeout 10h ./engine/internal/model/modeltest

sweep: ## let every filesystem operation of a workload fail in turn
	TRACEBED_SWEEP=all $(GO) test -run '^TestFaultSweep$$' -count 1 -timeout 1h -v ./engine

flips: ## change one bit of a store, N times
	TRACEBED_FLIPS=$(N) $(GO) test -run '^TestFlips$$' -count 1 -timeout 10h -v ./engine

kill: ## kill -9 the real server ROUNDS times under eight writers
	TRACEBED_KILL_ROUNDS=$(ROUNDS) $(GO) test -tags e2e -run '^TestKill$$' -count 1 -timeout 1h -v ./e2e

power: ## cut the power of a disk on a loop device ROUNDS times under eight writers (needs root)
	TRACEBED_POWERCUT_ROUNDS=$(ROUNDS) $(GO) test -tags e2e -run '^TestPowerCut$$' -count 1 -timeout 1h -v ./e2e

fuzz: ## every fuzz target for $(FUZZTIME)
	@set -e; for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    GO=$(GO) tools/fuzz.sh $$pkg $$f $(FUZZTIME); \
	  done; done

SOAK ?= 30m

soak: build ## use everything for $(SOAK) and see that nothing grows
	SOAK=$(SOAK) TRACEBED_BIN=$(abspath $(BIN)) $(GO) test -tags e2e -count 1 -timeout 24h -run '^TestSoak$$' -v ./e2e

vuln: ## ask the Go vulnerability database about what is linked (says so where it cannot be reached)
	cd tools/vuln && $(GO) build -o ../../bin/govulncheck golang.org/x/vuln/cmd/govulncheck
	tools/vuln/check.sh bin/govulncheck

clean: ## remove what was built; data directories stay
	rm -rf bin e2e/.clients
