# Two commands: `make check` verifies W&B with the embedded default; `make test` runs every test of the project.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
PY := $(VENV)/bin/python

.PHONY: check test test-together test-alone quick lint wheel bench storm faults fire mutants lowest

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; on LUMI: module load cray-python")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check $(TORCH) -e '.[local,test]'
	touch $@

check: $(VENV)/.installed
	$(PY) -m pytest checks

# What needs the machine for itself (a real Slurm, a browser) comes after the rest.
test: lint test-together test-alone

test-together: $(VENV)/.installed
	$(PY) -m pytest tests lab -n $(JOBS) --dist worksteal --ignore=tests/slurm --ignore=tests/browser $(SELECT)

test-alone: $(VENV)/.installed
	$(PY) -m pytest tests/slurm tests/browser $(SELECT)

quick: $(VENV)/.installed
	$(PY) -m pytest tests lab -m "not slow"

lint: $(VENV)/.installed
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

# What a release consists of, checked as an index would check it.
wheel: $(VENV)/.installed
	rm -rf dist
	$(PY) -m build --outdir dist .
	$(PY) -m twine check --strict dist/*
	$(VENV)/bin/check-wheel-contents dist/*.whl

bench: $(VENV)/.installed
	$(PY) -m lab.bench

# Interruptions, hostile surroundings, endurance; each also by itself.
storm: $(VENV)/.installed
	$(PY) -m lab.storm.interruptions
	$(PY) -m lab.storm.surroundings
	$(PY) -m lab.storm.endurance

faults: $(VENV)/.installed
	$(PY) -m tests.faults.table

fire: $(VENV)/.installed
	$(PY) -m lab.fire.matrix

mutants: $(VENV)/.installed
	$(PY) -m lab.mutation

# The quick tests with the lowest versions that pyproject.toml allows, in an environment of their own, without torch;
# the text of a schema is that of the newest pydantic.
lowest:
	test -x .lowest/bin/python || $(PYTHON) -m venv .lowest
	.lowest/bin/python -m pip install --quiet --disable-pip-version-check -r tests/lowest.txt
	.lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	.lowest/bin/python -m pytest tests -m "not slow" -n $(JOBS) --ignore=tests/jobs -k "not shipped_schema and not nowhere"
