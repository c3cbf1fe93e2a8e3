# make demo    try it out: a broker, a worker, a page, and two years of real decisions in a minute
# make test    all tests; what the machine lacks (Kafka, Chromium, Prometheus) is skipped with the reason
# make cover   all tests, and which lines none of them runs: to trace them takes half as long again
# make lint    style, types, who may import whom
# make docs    whether links resolve and whether code and documentation say the same
# make faults  fifty schedules of kills, zombies and broken brokers on a real Kafka, an hour or so
# make fuzz    the decoders, bodies and records, each for five minutes of bytes that atheris thinks of
# make bench   what things cost, beside what they cost elsewhere
# make stats   false alarms and delays of the tests and of their peers, simulated afresh
#
# Needs Python 3.11 or later; everything else is installed into .venv. ARGS goes to the command, as in
# make demo ARGS=--once, make test ARGS="-k rates", make stats ARGS="--runs 2000".

PYTHON ?= $(firstword $(foreach name,python3 python3.14 python3.13 python3.12 python3.11,\
    $(shell $(name) -c 'import sys; sys.version_info >= (3, 11) and print("$(name)")' 2>/dev/null)))
BIN := .venv/bin
ARGS ?=
SIDE_BY_SIDE := $(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile
NEEDS_PYTHON = $(error Fairlead needs Python 3.11 or later; name it: make PYTHON=/path/to/python3.11)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test cover lint docs faults fuzz bench stats format clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile | grep -v ARGS

demo: .venv/installed
	$(BIN)/fairlead demo $(ARGS)

test: .venv/developing
	@failed=0; \
	$(SIDE_BY_SIDE) $(ARGS) \
		|| failed=1; \
	$(if $(ARGS),,(cd client && ../$(BIN)/pytest) || failed=1;) \
	exit $$failed

cover: .venv/developing
	$(SIDE_BY_SIDE) --cov --cov-report=term:skip-covered $(ARGS)

lint: .venv/developing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: .venv/developing
	$(BIN)/pytest tests -k "docs or pages" $(ARGS)

faults: .venv/developing
	$(BIN)/python -m tests.faults $(ARGS)

fuzz: .venv/developing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(ARGS)

bench: .venv/developing
	@failed=0; \
	for what in "stats --only speed" metrics emitter "stream $(ARGS)"; do \
		$(BIN)/python -m benchmarks.$$what || failed=1; \
	done; \
	exit $$failed

stats: .venv/developing
	$(BIN)/python -m benchmarks.stats $(ARGS)

format: .venv/developing
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

clean:
	rm -rf .venv .kafka .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage

$(BIN)/python:
	$(if $(PYTHON),,$(NEEDS_PYTHON))
	$(PYTHON) -m venv .venv

.venv/installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/developing: pyproject.toml client/pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -e client
	@touch .venv/installed $@
