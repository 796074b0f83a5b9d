# The contributor's one door. On Windows, use the pip route of the README.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
# One thread a test process: two processes with two threads each only wait for each other.
TEST_THREADS = OMP_NUM_THREADS=1

.PHONY: help demo test test-slow test-peer test-oldest coverage audit check format accuracy reproduction bench bench-quick load fuzz docs clean

help: ## Show what can be made
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | awk -F'|' '{ printf "make %-12s %s\n", $$1, $$2 }'

$(VENV)/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "unoqa needs Python 3.11 or newer; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -e ".[dev]"
	@touch $@

demo: $(VENV)/installed ## Install into .venv and run the whole way on a made-up clinic
	$(BIN)/unoqa demo build/demo

test: demo ## The same, then the tests
	$(TEST_THREADS) $(BIN)/python -m pytest -n 2 -rs

test-slow: $(VENV)/installed ## The tests that take longer
	$(TEST_THREADS) $(BIN)/python -m pytest -n 2 -rs -m slow

# Apart from `make test`, which it would slow: counting took 29 % more processor time (Python 3.11, which lacks
# sys.monitoring; five rooms' tests). `fail_under` of [tool.coverage.report] in pyproject.toml is the floor.
coverage: $(VENV)/installed ## The share of lines that the quick tests run
	$(TEST_THREADS) $(BIN)/python -m pytest -n 2 --cov=unoqa --cov-report=term:skip-covered

$(VENV)/peer: $(VENV)/installed
	$(BIN)/python -m pip install --quiet -e ".[dev,peer]"
	@touch $@

test-peer: $(VENV)/peer ## Install the extra `peer` (anomalib); test its adapter, and our modules beside its own
	$(TEST_THREADS) $(BIN)/python -m pytest -n 2 -rs tests/lowquality/test_anomalib.py tests/lowquality/test_peer_*.py

audit: $(VENV)/installed ## Known faults of the dependencies, where the data can be had (docs/security.md)
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/python .ci/audit.py

build/oldest/installed: pyproject.toml
	$(PYTHON) -m venv build/oldest
	$(PYTHON) .ci/oldest.py > build/oldest/constraints.txt
	build/oldest/bin/python -m pip install --quiet -c build/oldest/constraints.txt -e ".[dev]"
	@touch $@

# Old libraries warn of what newer ones beside them took away, which is not ours to mend.
test-oldest: build/oldest/installed ## The tests with the oldest libraries that pyproject.toml allows
	$(TEST_THREADS) build/oldest/bin/python -m pytest -n 2 -rs -o filterwarnings=default

check: $(VENV)/installed ## Lint, format, types, workflows
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff

format: $(VENV)/installed ## Put the source in its format
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

DATA ?= ../shared/octa
WEIGHTS ?= ../shared/encoders/resnet18_layers123.safetensors
accuracy: $(VENV)/installed ## Agreement with reference grades on real images (docs/accuracy.md)
	$(TEST_THREADS) $(BIN)/python benchmarks/accuracy.py --data $(DATA) --weights $(WEIGHTS)

reproduction: $(VENV)/installed ## The paper's tables on real images (docs/reproduction.md)
	$(BIN)/unoqa reproduce $(DATA) -o build/reproduction --encoder resnet18.tv_in1k --encoder-weights $(WEIGHTS) --seeds 5

bench: $(VENV)/installed ## Speed and memory beside an earlier commit and beside anomalib (benchmarks/RESULTS.md)
	$(BIN)/python benchmarks/bench.py --data $(DATA) --weights $(WEIGHTS)

bench-quick: $(VENV)/installed ## Has anything become slower? Ratios against those kept
	$(TEST_THREADS) $(BIN)/python benchmarks/quick.py

load: $(VENV)/installed ## The service at saturation, workers beside threads, a large cohort (docs/scale.md)
	$(TEST_THREADS) $(BIN)/python benchmarks/load.py
	$(TEST_THREADS) $(BIN)/python benchmarks/cohort.py
	$(TEST_THREADS) $(BIN)/python benchmarks/record.py --rows 1000000

# Material for MkDocs says at each build that MkDocs 2 will differ; the pins of the extra `docs` know.
docs: $(VENV)/installed ## The documentation site, in build/site (open build/site/index.html)
	$(BIN)/python docs/site/sources.py build/docs-source
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --quiet --strict

FILES ?= 10000
fuzz: $(VENV)/installed ## Read damaged files by the thousand, and tell what became of them (docs/reliability.md)
	$(TEST_THREADS) $(BIN)/python tests/fuzzing/run.py --files $(FILES)

clean: ## Remove what was made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .coverage
