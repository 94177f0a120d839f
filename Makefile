# One command for each thing; `make` lists them. Everything lives in .venv and goes with `make clean`.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
export UV_PYTHON :=
export UV_PROJECT_ENVIRONMENT :=
BUILT := .venv/.built

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint bench docs lock clean

help: ## list the commands
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "make %-7s %s\n", $$1, $$2}'

venv: $(BUILT) ## prepare .venv with the isthmus command

.venv/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v >= (3, 11) else "Isthmus needs Python 3.11 or newer; $(PYTHON) is %d.%d. Run: make venv PYTHON=python3.12" % v)'
ifneq ($(UV),)
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@echo "installing the locked packages with uv"
	@$(UV) pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
else
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "installing the locked packages with pip (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
endif
	@touch $@

$(BUILT): .venv/.locked pyproject.toml hatch_build.py src/isthmus/xds/api.py
	@echo "building: Envoy's message classes, the isthmus command"
ifneq ($(UV),)
	@$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
endif
	@touch $@

demo: venv ## real services behind a gateway, with lines to paste (ARGS=--check runs them)
	@$(BIN)/isthmus demo $(ARGS)

test: venv ## run the whole test suite (ARGS=... goes to pytest)
	@$(BIN)/python -m pytest -q $(ARGS)

lint: venv ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: venv ## measure, and print ratios and figures
	@$(BIN)/python -m bench $(ARGS)

docs: venv ## make docs/codes/ anew from the codes
	@$(BIN)/python tools/code_pages.py

lock: ## make requirements.lock anew (needs uv)
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra demo --group dev --output-file requirements.lock pyproject.toml

clean: ## remove .venv and everything that was built
	@rm -rf .venv dist src/isthmus/xds/_envoy.binpb src/isthmus/xds/_envoy.json src/isthmus/xds/api.pyi
