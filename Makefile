# The commands of this repository. Each one sets up .venv first if that is out of date.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test studies study-hybrid check format bench fuzz docs

BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_TOOLS := .venv/.installed-tools
SAMPLES = $(sort $(shell find examples archdsl/std archdsl/zoo searchspaces -name '*.arch'))

# Every pip below reads the pins, also the one that builds the package.
export PIP_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## Show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 21

setup: $(INSTALLED) ## Create .venv with the pinned versions of everything that runs

demo: $(INSTALLED) ## Search small models for handwritten digits, and show the best as code
	@rm -rf build/demo
	@echo "== archdsl space examples/quickstart.arch:small"
	@$(BIN)/archdsl space examples/quickstart.arch:small
	@echo "== archdsl search examples/quickstart.arch --workers 2, into build/demo: three minutes at most"
	@$(BIN)/archdsl search examples/quickstart.arch --workers 2 -o build/demo
	@best=$$($(BIN)/python -c 'import json; print(json.load(open("build/demo/pareto.json"))[0]["files"][0])'); \
	echo "== archdsl eval build/demo/$$best: the weights that the search kept"; \
	$(BIN)/archdsl eval build/demo/$$best --weights build/demo/$${best%.arch}.safetensors; \
	echo "== archdsl export build/demo/$$best --format python, and a run of the file"; \
	$(BIN)/archdsl export build/demo/$$best --format python -o build/demo/best.py; \
	cat build/demo/best.py; \
	$(BIN)/python build/demo/best.py
	@echo "== the demo passed"

test: $(INSTALLED) ## Run all tests
	@$(BIN)/python -m pytest

studies: $(INSTALLED) ## Run the tests that take too long for each merge
	@$(BIN)/python -m pytest -m study

study-hybrid: $(INSTALLED) ## Hybrid stages beside pure ones, some 10 minutes
	@$(BIN)/python -m tests.studies hybrid

check: $(INSTALLED_TOOLS) ## Format, lint, types, import rules and the fast tests: before each commit
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/pyright
	@$(BIN)/python -m pytest -q -m "not slow and not study"

format: $(INSTALLED_TOOLS) ## Rewrite Python and samples in canonical form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/archdsl fmt $(SAMPLES)

bench: $(INSTALLED) ## Measure the speeds that are promised
	@$(BIN)/python -m tests.bench

fuzz: $(INSTALLED) ## Check 20,000 mutated sources
	@$(BIN)/python -m tests.fuzz --count 20000

docs: $(INSTALLED) ## Write docs/reference/ from the code
	@$(BIN)/python docs/generate.py

# The first python3 that is new enough; `make setup PYTHON=/path/to/python` names another.
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

$(INSTALLED): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "make: Python 3.11 or newer is needed and was not found; name it with PYTHON=..." >&2; exit 1; }
	@echo "== setting up .venv (once; a minute or more, 1.6 GB with a CPU build of PyTorch)"
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv
	@$(BIN)/python -m pip install --quiet --editable '.[all]'
	@$(BIN)/python -m compileall -q archdsl compiler/archdsl_compiler
	@touch $@

$(INSTALLED_TOOLS): $(INSTALLED)
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@
