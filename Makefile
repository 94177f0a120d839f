# One command for each thing; `make` lists them. Everything lives in .venv and goes with `make clean`.
# Works from a clean clone with Python 3.11 or newer; uses uv if it is there, plain pip if not.
PYTHON ?= python3
BIN := .venv/bin
UV := $(shell command -v uv 2>/dev/null)
XDS := src/isthmus/xds
GENERATED := $(XDS)/_envoy.json $(XDS)/_envoy.binpb $(XDS)/api.pyi
PAGE := src/isthmus/edge/explorer/static
# uv would obey these before .venv and install into another interpreter.
unexport UV_PYTHON UV_PROJECT_ENVIRONMENT VIRTUAL_ENV
# pip byte-compiles and asks its index for its own newest version otherwise.
export PIP_DISABLE_PIP_VERSION_CHECK := 1

ifneq ($(UV),)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
WITH := uv, a few seconds
else
INSTALL := $(BIN)/python -m pip install --quiet
WITH := pip, about a minute
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help venv demo test browser lint bench docs lock clean

help: ## list the commands
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "make %-7s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

venv: .venv/.installed $(GENERATED) $(PAGE)/index.html ## prepare .venv with the isthmus command

.venv/.python:
	@command -v $(PYTHON) >/dev/null || { echo "Isthmus needs Python 3.11 or newer; there is no $(PYTHON) on PATH. On Debian and Ubuntu: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(None if v >= (3, 11) else "Isthmus needs Python 3.11 or newer; $(PYTHON) is %d.%d. Name another: make venv PYTHON=python3.12" % v)'
ifneq ($(UV),)
	@$(UV) venv --quiet --allow-existing --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" .venv
else
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv module. On Debian and Ubuntu: apt-get install $$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
endif
	@touch $@

.venv/.locked: requirements.lock .venv/.python
	@test -n "$(UV)" || test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "installing the locked packages ($(WITH))"
	@$(INSTALL) --require-hashes -r requirements.lock
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml hatch_build.py
	@test -n "$(UV)" || test -x $(BIN)/pip || $(PYTHON) -m venv .venv
	@echo "installing the isthmus command, reading Envoy's messages"
	@$(INSTALL) --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m compileall -q -j 0 src .venv/lib >/dev/null || true # bytecode: imports are most of the start
	@touch $@

# Does nothing when Envoy, MESSAGES and the tool are what they were; else half a second.
$(GENERATED): $(XDS)/api.py tools/envoy_messages.py tools/message_stub.py .venv/.installed
	@$(BIN)/python tools/envoy_messages.py
	@touch $(GENERATED)

# Needs node; where it cannot be built it says so, and the rest goes on.
$(PAGE)/index.html: tools/explorer_page.py $(wildcard web/*.* web/.npmrc web/src/*) | .venv/.installed
	@$(BIN)/python tools/explorer_page.py

demo: venv ## real services behind a gateway, with lines to paste (ARGS=--check runs them)
	@$(BIN)/isthmus demo $(ARGS)

test: venv browser ## run the whole test suite (ARGS=... goes to pytest)
	@$(BIN)/python -m pytest -q $(ARGS)

# The page's tests want a browser: brought where that needs nobody's permission, else they say the one command.
browser:
	@command -v chromium chromium-browser google-chrome >/dev/null || test "$$(id -u)" != 0 || ! command -v apt-get >/dev/null || \
		{ echo "installing chromium"; apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium >/dev/null; } || true

lint: venv ## style, types, layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: venv ## measure, and print ratios and figures
	@$(BIN)/python -m bench $(ARGS)

docs: venv ## make the generated pages of docs/ anew
	@$(BIN)/python tools/code_pages.py
	@$(BIN)/python tools/annotation_pages.py
	@$(BIN)/python tools/replay_pages.py

lock: ## make requirements.lock anew (needs uv)
	@test -n "$(UV)" || { echo "make lock needs uv: $(PYTHON) -m pip install uv" >&2; exit 1; }
	@$(UV) pip compile --quiet --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--no-emit-index-url --no-emit-find-links \
		--extra demo --group dev --output-file requirements.lock pyproject.toml

clean: ## remove .venv and everything that was built
	@rm -rf .venv dist web/node_modules $(PAGE) $(GENERATED)
