# What a developer types. Every target first installs, builds and synthesises what it needs; nothing is done twice.

# Variables given as `make run PORT=9000` reach the commands as environment variables.
dev = exec sh dev/python -m dev

.PHONY: help run test test-engines conformance autobahn endurance faults fuzz audit bench check synth deploy diff destroy smoke cost build install lock shell admin broadcast clean

help: ## Say what each target does
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: ## Start everything here; PORT=8000, DATA_DIR=.local, RELOAD=no and OPTIONS="--idle-limit 60" can be set
	@$(dev) run

test: ## Run every check and test; TESTS="tests/chat -k history" runs some
	@$(dev) test

test-engines: ## Try the client in Firefox and WebKitGTK too; installs them by apt where it may
	@$(dev) test-engines

conformance: ## Ask the gateway how like AWS it is; ENDPOINT=wss://… asks a deployment instead
	@$(dev) conformance

autobahn: ## Run every case of the Autobahn suite through a function
	@$(dev) autobahn

endurance: ## Ten thousand handshakes in a row, ended in every way
	@$(dev) endurance

faults: ## Kill, lose, double and reorder, 50 times each and under load
	@$(dev) faults

fuzz: ## Send 150,000 hostile frames and requests; INPUTS=… sends others, SEED=… other ones
	@$(dev) fuzz

audit: ## Ask for known vulnerabilities in what is locked: status 3 where nobody can be asked
	@$(dev) audit

bench: ## Measure, and make docs/performance.md; ONLY=name runs one
	@$(dev) bench

check: ## Lint, types and import boundaries only
	@$(dev) check

synth: ## Synthesise what `cdk deploy` would send, into cdk.out
	@$(dev) synth

deploy: ## Deploy to AWS: PROFILE=try or production, CONTEXT="alarm_email=…"; YES=1 doesn't ask
	@$(dev) deploy

diff: ## Show what a deployment of a PROFILE would change, and cost
	@$(dev) diff

destroy: ## Take the deployment of a PROFILE down again; says first what goes and what stays
	@$(dev) destroy

smoke: ## Try a running chat out: URL=https://…
	@$(dev) smoke

cost: ## What a month costs: PROFILE=try PEOPLE=100
	@$(dev) cost

build: ## Build the web client and collect Django's static files
	@$(dev) build

install: ## Install the locked dependencies
	@$(dev) install

lock: ## Resolve requirements*.in into the locked files
	@$(dev) lock

shell: ## Open Django's shell on the running stack
	@$(dev) shell

admin: ## Make or promote a superuser: USERNAME=… [PASSWORD=…]
	@$(dev) admin

broadcast: ## Send a system message: MESSAGE="…" [ROOM=general] [LEVEL=warning] [UNTIL=2026-12-24T18:00Z]
	@$(dev) broadcast

clean: ## Remove what can be made again; the data folder stays
	@rm -rf .venv .cache build cdk.out frontend/dist frontend/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
