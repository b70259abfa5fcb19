# Everyday commands; `make` alone lists them. Everything runs in an environment of its own, .venv (VENV=... names another).
# PYTHON=... picks the interpreter for it, UV= does without uv, ARGS=... is passed on.

SHELL := /bin/sh
VENV := .venv
PY := $(VENV)/bin/python
UV ?= uv
FILL = echo "Filling the environment $(VENV)" && $(PY) tools/fill_environment.py '$(1)'
export PYTHON UV

# Several test processes, each with servers of its own and a file of tests at a time; ARGS="-n 0 …" for one.
AT_ONCE := -n auto --dist loadfile --no-loadscope-reorder
# Each process and each worker that a test starts would compile all modules again.
unexport PYTHONDONTWRITEBYTECODE

# The caller's own Python set-up stays outside.
unexport CONDA_PREFIX PIP_CONSTRAINT PIP_PREFIX PIP_REQUIREMENT PIP_TARGET PYTHONHOME PYTHONPATH
unexport UV_PYTHON UV_SYSTEM_PYTHON VIRTUAL_ENV
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_USER := 0
export PYTHONNOUSERSITE := 1
# Like pip and git, uv shall trust whom this machine trusts. (The second name is what older ones know.)
export UV_SYSTEM_CERTS := 1
export UV_NATIVE_TLS := 1

.PHONY: help demo benchmark test test-slow test-all benchmarks faults check format reference snapshots screenshots lock clean venv
.DEFAULT_GOAL := help

help: ## list these commands
	@echo "make …"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' Makefile | while IFS='|' read -r name does; do printf '  %-11s %s\n' "$$name" "$$does"; done

demo: $(VENV)/.run ## run the whole pipeline on servers of its own, from an empty start, and show it
	@$(PY) -P -m clickstream demo --fresh $(ARGS)

benchmark: $(VENV)/.chart ## measure this machine: ARGS="--limit 1000000 --partitions 1,2,3 --runs 3 --chart partitions.svg -y"
	@$(PY) -P -m clickstream benchmark $(ARGS)

test: $(VENV)/.dev ## run the tests, but the slow ones
	$(PY) -m pytest $(AT_ONCE) -m "not slow" $(ARGS)

test-slow: $(VENV)/.dev ## run the slow tests, and by themselves those that keep the whole machine busy
	$(PY) -m pytest $(AT_ONCE) -m "slow and not alone" $(ARGS)
	$(PY) -m pytest -m alone $(ARGS)

test-all: test test-slow ## run every test

benchmarks: $(VENV)/.dev ## time the hot parts and keep the figures; ARGS=--benchmark-compare sets them beside the last ones
	$(PY) -m pytest -q tests/benchmarks -o 'python_files=bench_*.py' --benchmark-autosave \
		-W default::pytest_benchmark.logger.PytestBenchmarkWarning $(ARGS)

faults: $(VENV)/.dev ## break a pipeline at random: ROUNDS=20, SEED=... as it is printed to repeat a round, ARGS="--json FILE"
	$(PY) -m tools.faults --rounds $(or $(ROUNDS),20) $(if $(SEED),--seed $(SEED)) $(ARGS)

check: $(VENV)/.dev ## check format, lint, types, imports, dependencies and hygiene
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/lint-imports tools/no_circles.toml
	$(VENV)/bin/deptry src --optional-dependencies-dev-groups dev
	$(VENV)/bin/deptry src tests tools
	$(PY) -m pytest -q tests/hygiene

format: $(VENV)/.dev ## format the code and fix what the linter can fix
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

reference: $(VENV)/.dev ## write docs/commands.md and README's table of commands from the command line
	$(PY) -m tools.reference

snapshots: $(VENV)/.dev ## draw new snapshots of the dashboard; look at each difference before you commit it
	$(PY) -m pytest tests/tui --snapshot-update $(ARGS)

screenshots: $(VENV)/.run ## take new pictures for assets/, from a real run (three minutes or so)
	@$(PY) tools/screenshots.py $(ARGS)

dashboards: $(VENV)/.run ## write opensearch/dashboards.ndjson from tools/dashboards.py
	@$(PY) -m tools.dashboards

lock: $(VENV)/.dev ## choose new versions of all dependencies: write constraints.txt again
	"$(firstword $(wildcard $(VENV)/bin/uv) $(UV))" pip compile pyproject.toml --extra dev --group setup --universal --python-version 3.11 \
		--fork-strategy fewest --no-annotate --no-header --quiet --no-cache --output-file $(VENV)/constraints.txt --upgrade
	@{ sed -n '/^#/p' constraints.txt; cat $(VENV)/constraints.txt; } >$(VENV)/constraints.new && mv $(VENV)/constraints.new constraints.txt

clean: ## remove the environment and all caches; stop the stack first (clickstream stack down)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

venv:
	@sh tools/make-venv $(VENV)

# These files are written last, so an interrupted step is done again.
$(VENV)/.run: pyproject.toml constraints.txt | venv
	@$(call FILL,.)
	@touch $@

$(VENV)/.chart: pyproject.toml constraints.txt | venv
	@$(call FILL,.[chart])
	@touch $(VENV)/.run $@

$(VENV)/.dev: pyproject.toml constraints.txt | venv
	@$(call FILL,.[dev])
	@touch $(VENV)/.run $@
