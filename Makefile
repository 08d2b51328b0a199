# Tegami. `make` lists the targets.
SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help
.PHONY: help build web run test check lint race screenshots fuzz bench relay reading queue states large idle webmail documents kill spam docs clean

# Where `make run` keeps its demo, and the first of its ports on 127.0.0.1.
DEMO_DATA ?= data/demo
DEMO_PORT ?= 24000
# Where `make screenshots` puts its pictures.
SHOTS ?= data/screenshots
# How long each fuzz target of `make fuzz` runs.
FUZZTIME ?= 30s
# How often `make kill` kills the server.
KILLS ?= 200
# The harness that measures a server beside Postfix and Dovecot (docs/benchmarks.md), where it is at hand.
PEERS ?= ../shared/bench/peers/ours.sh
# Packages whose tests run with the race detector.
RACED = ./mailbox ./queue ./intake ./deliver ./relay ./notice ./report ./wire/dns ./domains ./store/embedded ./server/... ./wire/pop3 ./wire/smtp

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s  %s\n", $$1, $$2}' $(MAKEFILE_LIST)

web: ## build the browser's pages, where Node is installed
	@scripts/web.sh

build: web ## build bin/tegami with its pages
	CGO_ENABLED=0 go build -trimpath -o bin/tegami ./cmd/tegami

run: build ## build and start the platform with two made-up companies; says where to go
	@mkdir -p $(dir $(DEMO_DATA))
	exec bin/tegami demo --data $(DEMO_DATA) --port-base $(DEMO_PORT) --letters

test: ## install what the tests need where possible, lint, run all tests
	@scripts/setup-test.sh
	@scripts/web.sh
	@$(MAKE) --no-print-directory lint
	go test -timeout 25m ./...
	@$(MAKE) --no-print-directory race

check: lint ## lint and test without installing anything
	go test -timeout 25m ./...

lint: ## gofmt, vet, staticcheck, the floors, the length of functions and files, the types of the pages
	@scripts/gofmt.sh
	go vet ./...
	go tool staticcheck ./...
	go test -count=1 -run 'Floors|JunkDrawers|Minted|Importing|Length' .
	@scripts/web.sh check

race: ## run the tests of what many goroutines share under the race detector; skipped without a C compiler
	@if command -v "$${CC:-cc}" >/dev/null; then set -x; CGO_ENABLED=1 go test -race -timeout 12m $(RACED); \
	else echo "race: no C compiler here; the race detector needs one, skipped"; fi

screenshots: build ## render every screen of the panel and the webmail into SHOTS, in both languages, wide and narrow, light and dark
	TEGAMI_SCREENSHOTS=$(abspath $(SHOTS)) go test -count=1 -timeout 30m -run 'TestScreens|TestWebmailScreens|TestSettingsScreens|TestSV1' ./lab/browser

fuzz: ## run every fuzz target for FUZZTIME (30s)
	@scripts/fuzz.sh $(FUZZTIME)

bench: build ## measure the platform beside Postfix and Dovecot, or run the Go benchmarks where the harness is missing
	@if [ -x $(PEERS) ]; then $(PEERS) bin/tegami --runs 3; else go test -run '^$$' -bench . ./...; fi

relay: build ## measure relaying beside Postfix (Debian's smtp-source in, smtp-sink out); as root
	scripts/bench-relay.sh

reading: build ## measure SEARCH, SORT and THREAD beside Dovecot; as root
	scripts/bench-reading.sh

queue: ## a million waiting recipients: how soon the first goes out, how much memory they take, how fast they are listed
	TEGAMI_QUEUE_ITEMS=1000000 go test -count=1 -timeout 30m -run ManyQueued -v ./queue

states: ## 50 random IMAP clients on one account for a minute, each holding the server to what it said
	TEGAMI_STATES=50 TEGAMI_STATES_SECONDS=60 go test -count=1 -timeout 10m -run TestStates -v ./lab/states

large: ## a mailbox of a million messages: SELECT cold and warm, memory a message, what one change costs
	TEGAMI_LARGE=1000000 go test -count=1 -timeout 10m -run LargeMailbox -v ./server/imapd

idle: ## from SMTP's 250 to the untagged EXISTS with 200 others in IDLE; memory of 10,000 idle connections, in the clear and in TLS
	TEGAMI_IDLE_MAILS=1000 TEGAMI_IDLE_OTHERS=200 TEGAMI_IDLE_CONNECTIONS=10000 go test -count=1 -timeout 10m -v ./lab/idle
	TEGAMI_IDLE_TLS=1 TEGAMI_IDLE_CONNECTIONS=10000 go test -count=1 -timeout 10m -run ManyIdle -v ./lab/idle

webmail: build ## the webmail in the browser over 100,000 letters: first page, opening, search
	TEGAMI_WEBMAIL=100000 go test -count=1 -timeout 20m -run WebmailFigures -v ./lab/browser

documents: ## disinfect other people's documents and have LibreOffice open them: the text is the same, and no macro left
	TEGAMI_LIBREOFFICE=1 go test -count=1 -timeout 20m -run LibreOffice -v ./policy/clean

kill: ## kill -9 the server KILLS (200) times under load, and count
	TEGAMI_KILLS=$(KILLS) go test -count=1 -timeout 4h -v ./lab/kill

spam: ## try the spam engine on the labelled corpus in TEGAMI_TESTDATA, beside SpamAssassin and Rspamd where SPAMFOLDS (5) is not 0
	d=$$(mktemp -d) && tar xJf $${TEGAMI_TESTDATA:-../shared/testdata}/spam-spamassassin.tar.xz -C $$d && nice go run ./lab/spam/evaluate -corpus $$d/spam-spamassassin -peers $${SPAMFOLDS:-5}; s=$$?; rm -rf $$d; exit $$s

docs: ## write docs/config.md, docs/tegami.toml and docs/openapi.json anew from the program
	go test -count=1 -run TestReferenceIsCurrent ./app -args -update
	go test -count=1 -run TestCP10DescriptionIsCommitted ./server/restd -args -update

clean: ## remove what was built, and the demo's data
	rm -rf bin $(DEMO_DATA)
