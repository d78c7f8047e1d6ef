# Two commands: `make check` verifies W&B with the embedded default; `make test` runs the tests of a contributor.
PYTHON ?= python3
VENV ?= .venv
JOBS ?= 2
# The quick tests wait for a third of their time: one process more than there are cores.
QUICK_JOBS ?= 3
PY := $(VENV)/bin/python
# Where it is set, every process that a test starts would compile the harness anew.
unexport PYTHONDONTWRITEBYTECODE
# UNLESS leaves tests out of `test-all`; OR_AGAIN is what to do where tests failed. CI sets both.
TOGETHER := --dist worksteal --ignore=tests/slurm --ignore=tests/browser

.PHONY: check test test-all quick lint wheel bench storm faults cures record fire mutants lowest

$(VENV)/.installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed; on LUMI: module load cray-python")'
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --disable-pip-version-check $(TORCH) -e '.[local,test]'
	touch $@

check: $(VENV)/.installed
	$(PY) -m pytest checks

# Pure tests alone: under a minute.
quick: $(VENV)/.installed
	$(PY) -m pytest tests lab -m "not slow" -n $(QUICK_JOBS) $(TOGETHER) $(OR_AGAIN)

# Lint, the pure tests, and a real part of each stage: SDK and job, Slurm and browser where they are installed.
test: lint quick
	$(PY) -m pytest tests lab -m sample -n $(JOBS) $(TOGETHER) $(OR_AGAIN)
	$(PY) -m pytest tests/slurm tests/browser -m sample $(OR_AGAIN)

# The rest. What needs the machine for itself (a real Slurm, a browser) comes after what does not.
test-all: $(VENV)/.installed
	$(PY) -m pytest tests lab -m "slow and not sample $(UNLESS)" -n $(JOBS) $(TOGETHER) $(OR_AGAIN)
	$(PY) -m pytest tests/slurm tests/browser -m "not sample $(UNLESS)" $(OR_AGAIN)

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

# Interruptions, hostile surroundings, endurance, damaged requests; each also by itself.
storm: $(VENV)/.installed
	$(PY) -m lab.storm.interruptions
	$(PY) -m lab.storm.surroundings
	$(PY) -m lab.storm.endurance
	$(PY) -m lab.storm.fuzz_server --count 5000

faults: $(VENV)/.installed
	$(PY) -m tests.faults.table

# Carries out the cure of every fault that can be injected, and verifies again.
cures: $(VENV)/.installed
	$(PY) -m lab.cures

# Plays every scenario and keeps its evidence, which the quick tests judge.
record: $(VENV)/.installed
	$(PY) -m tests.faults.recorded

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
