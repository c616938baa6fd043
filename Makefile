# Targets a person uses. `make demo` shows everything; `make check` needs neither root nor lab; `make test` runs all.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/pytest -q
LABS := 3
SCRIPTS := .ci/run tools/*.sh playbooks/files/*.sh tools/egov/collect/collect.sh playbooks/roles/*/files/*.sh
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup packages demo clean-demo check lint unit lab-test test bench drills drills-site lock schema

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

setup: $(STAMP) ## Make the virtual environment from hash-locked requirements

$(STAMP): requirements/dev.txt pyproject.toml
	tools/setup.sh environment $(VENV)
	@touch $@

packages: ## Install the Debian packages that the lab needs (root)
	tools/setup.sh packages

demo: setup packages ## Build, provision, collect, audit, report on the sample city; leaves the lab running
	tools/demo.sh

clean-demo: setup ## Remove all that the demo made
	$(BIN)/egov lab down --purge
	rm -rf evidence/huludao reports build/demo

check: setup ## Lint, types, layers, unit tests: no root, no lab
	+@$(MAKE) --no-print-directory -j2 --output-sync=target lint unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/ansible-lint --offline -q
	@if command -v shellcheck >/dev/null; then set -x; shellcheck $(SCRIPTS); else echo "shellcheck: not installed, skipped"; fi

unit: setup
	$(PYTEST) -n auto --dist worksteal -m "not lab and not bench and not drill"

lab-test: setup packages
	$(PYTEST) -m "lab and not drill" -p no:randomly

test: setup packages check lab-test ## Everything, on real hosts of the lab (root)

bench: setup packages ## Measure against the named peers
	$(PYTEST) -s -m bench -p no:randomly

drills: setup packages ## The database: 18 faults three times each, in three labs side by side (root)
	$(BIN)/pytest -v -m drill -p no:randomly -n $(LABS) --dist load --maxschedchunk 1 tests/lab/test_datacenter.py

drills-site: setup packages ## Other long drills: interruption, cut links, lock-outs, mutants, workloads, zombies (root)
	$(PYTEST) -s -m drill -p no:randomly --ignore tests/lab/test_datacenter.py

lock: ## Compile the requirements anew (needs uv)
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml -o requirements/run.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 pyproject.toml requirements/dev.in -o requirements/dev.txt
	uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --python-version 3.11 --extra spark pyproject.toml -o requirements/spark.txt

schema: setup ## Write the JSON Schemas from the model
	$(BIN)/python -m egov.present.schema schema
