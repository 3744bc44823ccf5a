# seatstream: two commands set everything up on a fresh machine.
#   make demo     the main job on embedded parts
#   make test     the tests, with the race detector and the linters

SHELL := /bin/bash
CACHE ?= $(or $(SEATSTREAM_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/seatstream)
TOOLS := $(CACHE)/bin
GOLANGCI_VERSION := v2.15.0
NATSCLI_VERSION := v0.5.1
GOVULNCHECK_VERSION := v1.1.4
ARGS ?=
FAULTS ?= .
FAULT_PACKAGES := ./e2e/faults

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
BUILD := go build -ldflags "-X main.version=$(VERSION)"

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.PHONY: build
build: ## build bin/seatstream
	@echo "building bin/seatstream; the first build compiles the Microsoft Graph SDK and takes minutes"
	@$(BUILD) -o bin/seatstream ./cmd/seatstream

.PHONY: engine
engine: ## fetch the embedded ClickHouse engine through npm
	@./scripts/engine.sh

.PHONY: browser
browser: ## install what the tests of the page need: Chromium and axe-core
	@./scripts/browser.sh

.PHONY: screenshots
screenshots: engine browser ## write docs/screenshots from the simulated tenants, light and dark
	SEATSTREAM_TEST_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -count 1 -timeout 20m -run '^TestScreenshots$$' -v ./dashboard

.PHONY: demo
demo: engine build ## run everything here with simulated tenants (ARGS=--once to end after printing)
	@bin/seatstream demo $(ARGS)

.PHONY: sim
sim: build ## run the Microsoft Graph simulator alone
	@bin/seatstream sim $(ARGS)

.PHONY: test
# One package at a time: most start servers and engines of their own, and two cores are soon
# full. The faults have a target of their own: they need root and take as long as all the rest.
test: engine browser tools lint ## run the tests with the race detector, and the linters
	cd deploy/check && go vet ./... && go test ./...
	go test -race -p 1 -timeout 40m $$(go list ./... | grep -v /e2e/faults)

.PHONY: faults-quick
faults-quick: engine ## break every part under load, a few seeds each
	go test -timeout 40m ./e2e/faults

.PHONY: quick
quick: engine ## run the tests without the end-to-end ones and without the race detector
	go test $$(go list ./... | grep -v /e2e)

.PHONY: faults
faults: engine ## break every part under load, many seeds, and write the table of docs/guarantee.md (root for all of it)
	@mkdir -p bin && rm -f bin/faults.jsonl
	SEATSTREAM_TEST_FULL=1 SEATSTREAM_TEST_FAULT_REPORT=$(CURDIR)/bin/faults.jsonl go test -count 1 -timeout 300m -v -run '$(FAULTS)' $(FAULT_PACKAGES)
	go run ./e2e/faults/table bin/faults.jsonl docs/guarantee.md

.PHONY: fuzz
fuzz: ## fuzz every decoder for a minute each
	@./scripts/fuzz.sh 60s

.PHONY: fuzz-ci
fuzz-ci: ## fuzz the readers of pages, reports and errors for a minute each
	@./scripts/fuzz.sh 60s FuzzPage FuzzCSV FuzzError

.PHONY: bench
bench: engine build ## measure delivery on this machine: each stage alone and the whole (ARGS=--quick for a minute)
	@bin/seatstream bench $(ARGS)

.PHONY: bench-go
bench-go: engine ## run the Go benchmarks
	go test -run '^$$' -bench . -benchmem ./schemas ./producer/... ./consumer ./graphsim ./embedded

TABLES ?= 1000,1000,60
.PHONY: bench-queries
bench-queries: engine ## time every question on tables of TABLES=tenants,users,days
	SEATSTREAM_BENCH_TABLES=$(TABLES) go test -run '^$$' -bench Queries -benchtime 3x -timeout 2h ./internal/answer

.PHONY: scale
scale: engine ## collect tenants of 10,000, 50,000 and 100,000 users and print time and memory
	SEATSTREAM_TEST_SCALE=1 go test -count 1 -timeout 60m -run TestScale -v ./e2e

.PHONY: lint
lint: $(TOOLS)/golangci-lint ## run the linters
	$(TOOLS)/golangci-lint run ./...

.PHONY: vuln
vuln: ## look for known vulnerabilities (needs the Go vulnerability database)
	go run golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION) ./...

.PHONY: tools
tools: $(TOOLS)/golangci-lint $(TOOLS)/nats ## install the linter and the nats command

$(TOOLS)/golangci-lint: Makefile
	@echo "installing golangci-lint $(GOLANGCI_VERSION) into $(TOOLS)"
	@GOBIN=$(TOOLS) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION)
	@touch $@

$(TOOLS)/nats: Makefile
	@echo "installing the nats command $(NATSCLI_VERSION) into $(TOOLS)"
	@GOBIN=$(TOOLS) go install github.com/nats-io/natscli/nats@$(NATSCLI_VERSION)
	@touch $@

.PHONY: clean
clean: ## remove what was built and the demo's data
	rm -rf bin data
