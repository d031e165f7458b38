# Needs Python 3.11 or newer and make; all else (Java, Node, the CDK, Cassandra, a local AWS) comes with pip.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAGE  ?= dev
export PATH := $(CURDIR)/$(VENV)/bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help setup up down status logs trace reset demo test check fmt synth deploy destroy probe smoke schema bench faults faults-mutants canary

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## Make the virtual environment and install what requirements.txt pins, if it changed
	@$(PYTHON) local/packages.py

up: setup ## Start the local cloud and prove it with a message (PORTS=auto, VERIFIER=otp)
	@$(PY) -m local up

down: ## Stop the local cloud; the data stay
	@$(PY) -m local down

status: ## Print where the local cloud listens and how much it does, as KEY=value lines (FORMAT=json)
	@$(PY) -m local status

logs: ## Follow what the functions log in the local cloud, in words
	@$(PY) -m local logs

trace: ## Print the way of one message out of the logs, never its content (MESSAGE=id; STAGE=dev)
	@$(if $(filter command line environment,$(origin STAGE)),$(PY) -m operations trace "$(MESSAGE)" --stage $(STAGE),MESSAGE="$(MESSAGE)" $(PY) -m local trace)

reset: ## Stop the local cloud and drop all its data
	@$(PY) -m local reset

demo: setup ## Play a scripted conversation in the local cloud
	@$(PY) -m local demo

check: setup ## Everything that needs no server: style, types, arrows, CQL, unit, contract and template tests
	ruff check .
	ruff format --check .
	mypy
	lint-imports
	$(PY) -m schemas.lint_cql
	pytest -q tests/unit tests/contract tests/infra

test: check ## check, then the tests that start a local cloud of their own on free ports
	pytest -q tests/integration tests/e2e tests/faults tests/canary

fmt: ## Format the code and sort imports
	ruff format .
	ruff check --fix .

smoke: setup ## Chat through STAGE with throw-away accounts, or through the local cloud (TOKEN_COMMAND, BASE_URL)
	@$(PY) -m operations.smoke $(if $(BASE_URL),--base-url $(BASE_URL),$(if $(filter command line environment,$(origin STAGE)),--stage $(STAGE)))

schema: ## Render schemas/tables.cql from schemas/tables.py
	$(PY) -m schemas

synth: setup ## Write the templates of STAGE to cdk.out
	cdk synth --quiet -c stage=$(STAGE)

deploy: setup ## Deploy STAGE to AWS; without STAGE, changed sources to the running local cloud
	@$(if $(filter command line environment,$(origin STAGE)),cdk deploy --all -c stage=$(STAGE) --outputs-file cdk-outputs.json,$(PY) -m local deploy)

destroy: ## Remove STAGE from AWS; the tables are kept
	cdk destroy --all -c stage=$(STAGE)

probe: setup ## Ask STAGE what only AWS can tell, or the local cloud (ONLY=a,b, SLOW=1, READ=1, FORMAT=json)
	@$(PY) -m operations.probe $(if $(filter command line environment,$(origin STAGE)),--stage $(STAGE)) $(if $(ONLY),--only $(ONLY)) $(if $(SLOW),--slow) $(if $(READ),--read) $(if $(filter json,$(FORMAT)),--json)

bench: setup ## Count what messages cost and measure how fast they are (FLOW=one_to_one; ACCEPT=1)
	@$(PY) -m bench $(if $(FLOW),--flow $(FLOW)) $(if $(ACCEPT),--accept)

faults: setup ## Break everything that can break for 20 minutes (RUNS=n, SEED=s plays one again, ONLY=F3,F8)
	@$(PY) -m tests.faults $(if $(RUNS),--runs $(RUNS)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

canary: setup ## Send texts through every flow and search for them in all that the cloud keeps (PROVE=1, ONLY=x)
	@$(PY) -m tests.canary $(if $(PROVE),--prove) $(if $(ONLY),--only "$(ONLY)")

faults-mutants: setup ## Break the code once per rule: the checker must catch each (ONLY=name)
	@$(PY) -m tests.faults.mutants $(if $(ONLY),--only $(ONLY))
