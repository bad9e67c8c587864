# cardd: `make demo` issues one card on the simulator, `make test` judges everything.
# Both install what is missing and build first. `make help` lists the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

# cgo is always stated, so that go never falls back in silence: on here, because
# PC/SC and OpenJPEG are C libraries; off in `cross`, where it must not be needed.
GO    := CGO_ENABLED=1 go
GOOFF := CGO_ENABLED=0 go
# -buildvcs=false: the same source gives the same binary, with git or without.
FLAGS := -buildvcs=false

# The packages that start goroutines, in code or in tests, for the race detector: where
# there is one goroutine it finds nothing and takes ten times as long. Not printer: what it
# does at once is judged in simulator, and a face is ten million pixels one after another.
RACE = $(addprefix ./,$(sort $(patsubst %/,%,$(dir $(shell \
	grep -lrE '^[[:space:]]*go [a-z]|\.(Go|Parallel|RunParallel)\b' --include='*.go' $(RACEIN))))))
RACEIN := reader simulator pki cardd/internal

# How long each fuzz target runs, and how many run at once: more than there are cores, for
# seconds of a third of a core find as much in what was fuzzed before, and soak takes longer.
FUZZTIME ?= 5s
FUZZJOBS ?= 6
# Packages tested at once: some wait for readers and daemons most of their time. Vetting is
# a step of its own.
TESTING := -vet=off -p 4
# make test sets COUNTS; a step writes there how many tests it ran.
COUNTS   ?= build/test

LINT := build/tools/golangci-lint

.DEFAULT_GOAL := test
.PHONY: help install build demo test fmt fmt-check vet lint unit race fuzz faults kill mutants bench printers soak racing cross docs clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' Makefile

install: ## install the Debian packages that are missing (scripts/packages.txt says why); SKIP_INSTALL=1 leaves that to you
	@$(if $(SKIP_INSTALL),echo "packages: left to you (SKIP_INSTALL)",scripts/install.sh)

build: ## build bin/cardd, bin/cardctl and bin/cardsim
	@mkdir -p bin
	$(GO) build $(FLAGS) -o bin/ ./cardd ./cardd/cardctl ./cardd/cardsim

demo: install build ## issue one invented person's card end to end and show what came of it
	@scripts/demo.sh

test: ## everything: install build fmt-check vet lint unit race fuzz cross, each timed
	@MAKE=$(MAKE) scripts/test.sh install build fmt-check vet lint unit race fuzz cross

fmt: ## format all Go source
	gofmt -w $$(find . -name '*.go' -not -path './build/*')

fmt-check: ## name Go source that is not formatted
	@out=$$(gofmt -l $$(find . -name '*.go' -not -path './build/*')); \
	if [[ -n $$out ]]; then echo "not formatted; run make fmt:"; echo "$$out"; exit 1; fi

vet: ## go vet
	$(GO) vet ./...

lint: $(LINT) ## golangci-lint, at the version tools/go.mod pins
	CGO_ENABLED=1 $(LINT) run ./...

# The linter has hundreds of dependencies; a module of its own keeps them out of
# ours. Building it takes a minute or two, once.
$(LINT): tools/go.mod tools/go.sum
	@echo "building golangci-lint from tools/go.mod; once, about 90 s"
	@mkdir -p $(@D)
	$(GOOFF) -C tools build -buildvcs=false -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@touch $@

unit: ## all tests once, without the race detector
	@$(GO) run ./scripts/testsum -counts $(COUNTS)/unit -- $(TESTING) -timeout 15m ./...

race: ## the packages where goroutines meet, under the race detector; long tables are sampled (-short)
	@$(GO) run ./scripts/testsum -counts $(COUNTS)/race -- -race -short $(TESTING) -timeout 15m $(RACE)

fuzz: ## each fuzz target for FUZZTIME (5s), FUZZJOBS (6) at once
	@$(GO) run ./scripts/fuzz -counts $(COUNTS)/fuzz -time $(FUZZTIME) -jobs $(FUZZJOBS)

# Both are in `unit` too. The test program alone: go test would put a line of its
# own behind the counts.
faults: install ## cards issued with every fault at every command, and around the card; the last line counts
	@mkdir -p build
	@$(GO) test -c -o build/faults.test ./cardd/faults && cd cardd/faults && ../../build/faults.test -test.timeout 30m

kill: install ## cardd killed at every boundary of its journal, through pcscd, and at random; the last line counts
	@mkdir -p build
	@$(GO) test -c -o build/kill.test ./cardd/kill && cd cardd/kill && ../../build/kill.test -test.run Kill -test.timeout 15m

mutants: ## what keeps a card from being lost, switched off one at a time: the fault suite must notice each
	@scripts/mutants.sh

bench: install ## the figures, one a line: name value unit bound; fails when a bound is missed
	@$(GO) run $(FLAGS) ./cardd/bench

printers: install ## every card printer driver over every wire it has, against models with every fault, and whole issues inside them; the last line counts
	@mkdir -p build
	@$(GO) test -c -o build/inline.test ./cardd/inline && cd cardd/inline && ../../build/inline.test -test.timeout 15m
	@$(GO) test -c -o build/printers.test ./printer/printertest && cd printer/printertest && ../../build/printers.test -test.run 'TestPrinters$$' -test.timeout 15m

soak: install ## hours: 100,000 cards on random days, pairs of faults, a million replies, each fuzz target for minutes (scripts/soak.sh; STEPS="days pairs" for some)
	@MAKE=$(MAKE) scripts/soak.sh $(STEPS)

racing:
	@echo $(RACE)

cross: ## cardctl for Windows and for arm64, without a C compiler
	GOOS=windows GOARCH=amd64 $(GOOFF) build $(FLAGS) -o /dev/null ./cardd/cardctl
	GOOS=windows GOARCH=amd64 $(GOOFF) vet ./cardd/cardctl
	GOOS=linux GOARCH=arm64 $(GOOFF) build $(FLAGS) -o /dev/null ./cardd/cardctl

docs: build ## write man pages and completions anew into docs/man
	bin/cardctl docs --out docs/man

clean: ## remove what was built and what the demo left
	rm -rf bin build demo
