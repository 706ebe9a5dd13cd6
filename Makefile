# The chores of this repository. Everything else is plain cargo.

CONFIG ?= examples/multiplex/config.yaml
FUZZ_SECONDS ?= 60
SOAK_SECONDS ?= 600
CYCLES ?= 1000
CHAOS_SECONDS ?= 300
BENCH ?=
CHURN ?=
PYTHON ?= python3
CHROMIUM ?= chromium
# Which LLVM is in rustc. Debian has its tools under names that end with that.
LLVM = $(shell rustc --version --verbose | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
PROFDATA = llvm-profdata-$(LLVM)
COUNTS := $(CURDIR)/target/profile
# A profile names symbols, and those change with the compiler, the host and the dependencies.
COUNTED_FOR = (rustc --version --verbose; cksum < Cargo.lock)

JS := tests/js/node_modules/.installed
UI := ui/node_modules/.installed
PY := tests/python/.venv/.installed

# What the tests run besides cargo: `uvx` comes from the virtual environment, and what it resolves from the lock file.
PEERS := PATH="$(CURDIR)/tests/python/.venv/bin:$$PATH" UV_CONSTRAINT="$(CURDIR)/tests/python/constraints.txt"

.DELETE_ON_ERROR:
.PHONY: help run test lint ui screenshots conformance soak bench bench-micro churn profile cycles chaos scale fuzz counted peers browser valgrind

help: ## Say what can be made
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: ## Run the gateway: CONFIG=examples/multiplex/config.yaml
	cargo run --release -- -f $(CONFIG)

test: peers browser ## Run every test, with real clients, servers and a browser as peers
	cd ui && npm test
	cargo build --workspace --all-targets --locked
	@cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
	$(PEERS) cargo test --workspace --locked --doc
	$(PEERS) cargo nextest run --workspace --locked
	$(MAKE) bench-micro
	cd ui && $(PEERS) npm run e2e

lint: counted $(UI) ## Check formatting, lints, that ui/dist is built from ui/src and, where cargo-deny is installed, dependencies
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	@if cargo deny --version >/dev/null 2>&1; then \
	    cargo deny --locked check bans licenses sources; \
	else \
	    echo "dependencies are not checked: cargo install --locked cargo-deny"; \
	fi
	@built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT && \
	    (cd ui && npm run --silent build -- --logLevel warn --emptyOutDir --outDir "$$built") && \
	    diff -r ui/dist "$$built" || { echo "ui/dist is not what ui/src builds: run \`make ui\`"; exit 1; }

ui: $(UI) ## Build the web UI, which cargo puts into the binary
	cd ui && npm run build

screenshots: peers browser ## Take the pictures of the UI in docs/images
	cargo build --package agentgateway --package testkit --locked
	cd ui && $(PEERS) node e2e/screenshots.mjs

# One of the gateway's tests that are not part of `make test`, with what it prints.
ALONE = cargo test --package agentgateway --locked --test it -- --ignored --nocapture --exact

conformance: $(JS) ## Print the official suite's verdicts, without the gateway and through it
	cargo build --package agentgateway --package testkit --all-targets --locked
	$(ALONE) conformance::table::every_check_comes_out_as_it_does_without_the_gateway

soak: ## Put the gateway under mixed traffic and everyday disturbances for SOAK_SECONDS=600
	cargo build --package agentgateway --package testkit --all-targets --locked
	SOAK_SECONDS=$(SOAK_SECONDS) $(ALONE) chaos::nothing_is_lost_or_left_behind_on_many_days

chaos: ## Let one thing after another go wrong under load for CHAOS_SECONDS=300, and print what became of every request
	cargo build --package agentgateway --package testkit --all-targets --locked
	CHAOS_SECONDS=$(CHAOS_SECONDS) $(ALONE) chaos::whatever_goes_wrong_every_request_is_answered_or_fails_with_a_reason

scale: ## Open 5000 sessions and 2000 streams, and print what each of them takes
	cargo build --package agentgateway --package testkit --all-targets --locked
	$(ALONE) scale::thousands_of_sessions_and_streams_are_small_and_leave_nothing

# A program that is measured is always built as it is released: alone, because what is built together shares its features.
bench: counted ## Measure what a call costs, next to nginx and whoever else is installed: BENCH="--only small-json --rounds 5"
	cargo build --release --locked --package agentgateway
	cargo build --release --locked --package bench
	target/release/bench run --json target/bench.json $(BENCH)

# What was never passed is left out (--sparse), and so is compiled as it would be without a profile: that nobody measures something
# does not mean that nobody uses it.
profile: ## Count how often calls pass each part of the program, which release builds are optimised for
	@rustc --version >/dev/null
	@$(PROFDATA) --version >/dev/null 2>&1 || (apt-get update && apt-get install --yes --no-install-recommends llvm-$(LLVM))
	cargo build --release --locked --package bench
	RUSTC_WRAPPER= CARGO_ENCODED_RUSTFLAGS="-Cprofile-generate=$(COUNTS)/raw" \
	    cargo build --release --locked --package agentgateway --target-dir "$(COUNTS)"
	rm -rf "$(COUNTS)/raw"
	target/release/bench run --gateway "$(COUNTS)/release/agentgateway" --contestants agentgateway,agentgateway+policies \
	    --connections 8 --rounds 1
	$(PROFDATA) merge --sparse --output .cargo/calls.profdata "$(COUNTS)/raw"
	$(COUNTED_FOR) > .cargo/calls.counted-for

counted: # Say so if the profile is for another program
	@(test -r .cargo/calls.profdata && $(COUNTED_FOR) | cmp -s - .cargo/calls.counted-for) || echo "release builds are slower than they could be: the profile is for \
	other dependencies, another compiler or another kind of machine; \`make profile\` makes one for these"

churn: counted ## Have clients come and go for an hour, and see what the gateway holds meanwhile: CHURN="--minutes 5"
	cargo build --release --locked --package agentgateway
	cargo build --release --locked --package bench
	target/release/bench churn $(CHURN)

cycles: $(JS) ## Start and kill children and the gateway, and look for processes that are left, CYCLES=1000 times
	cargo build --package agentgateway --all-targets --locked
	CYCLES=$(CYCLES) $(ALONE) children::cycles::nobody_is_left_after_many_cycles

fuzz: ## Fuzz the HTTP surface, with hostile targets, and each parser on nightly, for FUZZ_SECONDS=60 each
	cargo build --package agentgateway --package testkit --all-targets --locked
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(ALONE) fuzz::no_request_breaks_the_gateway_in_a_long_run
	FUZZ_SECONDS=$(FUZZ_SECONDS) $(ALONE) hostile::no_target_breaks_the_gateway_in_a_long_run
	@cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
	@set -e; for target in $$(cargo +nightly fuzz list); do \
	    cargo +nightly fuzz run "$$target" -- -max_total_time=$(FUZZ_SECONDS); \
	done

# Without the profile: counts would change with every `make profile`.
bench-micro: valgrind ## Count instructions of the hot path, and fail where they grew; UPDATE=1 expects what is counted now
	RUSTC_WRAPPER= cargo bench --package protocol --bench micro --locked --target-dir target/micro -- $(if $(UPDATE),--update)

peers: $(JS) $(PY) $(UI) ## Install the clients and servers that the tests talk to

browser: # The browser that the UI is tested in
	@command -v $(CHROMIUM) >/dev/null || (apt-get update && apt-get install --yes --no-install-recommends chromium)

valgrind: # What counts instructions
	@command -v valgrind >/dev/null || (apt-get update && apt-get install --yes --no-install-recommends valgrind)

$(UI): ui/package-lock.json
	cd ui && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(JS): tests/js/package-lock.json
	cd tests/js && npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The first `uvx` fills its cache, so that no test has to wait for a download.
$(PY): tests/python/constraints.txt
	rm -rf tests/python/.venv
	$(PYTHON) -m venv tests/python/.venv
	tests/python/.venv/bin/pip install --disable-pip-version-check --quiet --require-hashes -r $<
	$(PEERS) uvx mcp-server-time --help >/dev/null
	@touch $@
