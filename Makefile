# Everything a newcomer needs: make demo, make test. PYTHON picks the interpreter: make test PYTHON=python3.13
# PYTEST_ARGS picks tests: make test PYTEST_ARGS="tests/client/wsse -k replay"
PYTHON ?= python3
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
PYTEST_ARGS ?= -n auto
# make fuzz FUZZ_SECONDS=600 FUZZ_TARGET=reply: one reader of tests/fuzz/fuzz_table.py for ten minutes
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?=
VENV := .venv/$(VERSION)
BIN := $(VENV)/bin
# xmlsec and lxml must carry the same libxml2, which only their wheels do.
PIP := $(BIN)/pip install --quiet --quiet --disable-pip-version-check --only-binary lxml,xmlsec,cryptography,cffi,atheris

.DEFAULT_GOAL := help
.PHONY: help demo test peers lint fuzz bench bench-snmp docs clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /make \1\t/p' $(MAKEFILE_LIST)

$(VENV)/.ready: setup.cfg pyproject.toml
	@echo "setting up $(VENV), once; this takes a minute"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "meterpost needs Python 3.11 or newer; name one with PYTHON=")'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --upgrade pip "setuptools>=77"
	@$(PIP) --editable '.[stub,mdns,test,lint,fuzz]'
	@touch $@

demo: $(VENV)/.ready ## the whole protocol on this machine: server, a dozen printers, a billing cycle
	@$(BIN)/meterpost demo

test: $(VENV)/.ready ## all tests
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

peers: .venv/peers/node/.ready ## a SOAP stack that is not ours for tests/interop, once; wants npm, tests then need no network

.venv/peers/node/.ready: tests/interop/node/package.json tests/interop/node/package-lock.json
	@mkdir -p $(@D)
	@cp $^ $(@D)
	@cd $(@D) && npm ci --loglevel=error --no-audit --no-fund --ignore-scripts >/dev/null
	@touch $@

lint: $(VENV)/.ready ## ruff, mypy --strict, import directions
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_house.py

fuzz: $(VENV)/.ready ## all readers of octets from outside, FUZZ_SECONDS each; FUZZ_TARGET names one
	@PYTHONHASHSEED=0 $(BIN)/python -W ignore tests/fuzz/fuzz_run.py --seconds $(FUZZ_SECONDS) $(FUZZ_TARGET)

bench: bench-snmp ## time and memory beside plain zeep, sealing beside zeep.wsse and signxml, and what is next
	@$(BIN)/python -m tests.bench
	@$(BIN)/python -m tests.bench_security

bench-snmp: $(VENV)/.ready ## finding and reading printers beside other SNMP tools
	@$(BIN)/python -m tests.bench_snmp

docs: $(VENV)/.ready ## write the generated pages under docs/reference
	@$(BIN)/python -m tests.generate_docs

clean: ## remove what was built
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
