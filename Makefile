# Python 3.11 or newer and make are all that these targets need; `make help` lists them.
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
# uv lives in an environment of its own: `uv pip sync` takes away whatever the lock file does not name.
UV := $(VENV)/uv/bin/uv
WORKERS ?= 3
# uv trusts the certificates that the system trusts, so that it also works behind a private authority.
export UV_SYSTEM_CERTS ?= 1

SHELL := /bin/sh
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.PHONY: help run test check screenshots coverage bench bench-pairs bench-compare load growth top-day format lock sbom drills drills-shapes mutants browser clean clean-data

help: ## list the targets
	@echo "make TARGET, where TARGET is one of:"
	@sed -n 's/^\([a-z][a-z-]*\):[^#]*## \(.*\)/  \1	\2/p' $(MAKEFILE_LIST) | expand -t 12

# What running needs, by requirements.lock. The tools come on top (.ready); both lock files have the same pins.
$(VENV)/.run: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; '$(PYTHON)' is $$($(PYTHON) --version 2>&1 || echo missing)."; \
	  echo "Name another one: make PYTHON=/path/to/python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up $(VENV) for running (about a quarter of a minute, once)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@test -x $(UV) || $(PYTHON) -m venv $(VENV)/uv
	@$(VENV)/uv/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@$(call install,requirements.lock)
	@touch $@

$(VENV)/.ready: requirements-test.lock $(VENV)/.run
	@echo "Adding the tools to $(VENV) (about half a minute, once)"
	@$(call install,requirements-test.lock)
	@touch $@

define install
$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes $(1) && \
$(UV) pip install --quiet --python $(BIN)/python --no-deps --editable .
endef

run: $(VENV)/.run ## start the exchange, the stubs and traffic (DURATION=20, RATE=200 a second, PORT=8080)
	@exec $(BIN)/exchange run $(if $(DURATION),--duration $(DURATION)) $(if $(RATE),--rate $(RATE)) $(if $(PORT),--port $(PORT))

# Hundreds of processes start: what they import is compiled once, whatever the caller's environment says.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.ready browser ## run every test, in random order (WORKERS=3, ARGS="-k kelmu")
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not drill" $(ARGS)

# Every step is taken, whatever the one before it said, so that one run tells all that is wrong.
check: $(VENV)/.ready ## format, lint, types, layers, documents
	@failed=; for step in "ruff format --check ." "ruff check ." mypy lint-imports "python -m pytest -n 0 -q tests/architecture"; do \
	  echo "== $$step"; $(BIN)/$$step || failed="$$failed; $$step"; \
	done; [ -z "$$failed" ] || { echo "make check failed at$${failed#;}" >&2; exit 1; }

# Apart from `make test`, since tracing doubles the time of what runs in a test's own process. Told, not enforced.
COVERED ?= tests/schemas tests/adapters tests/exchange tests/partners tests/conformance tests/contracts tests/journeys
coverage: $(VENV)/.ready ## lines and branches that tests reach (COVERED="tests/schemas"); told, and written to reports/coverage
	@rm -rf reports/coverage && mkdir -p reports/coverage
	@$(BIN)/coverage run -m pytest -n $(WORKERS) -q -m "not drill" $(COVERED) || echo "some tests failed: what they reached is counted all the same" >&2
	@$(BIN)/coverage combine --quiet && $(BIN)/coverage html --quiet --directory reports/coverage/html
	@$(BIN)/coverage report | tee reports/coverage/report.txt

bench: $(VENV)/.ready ## measure the exchange on this machine (ARGS="--no-others", ARGS=--keep: benchmarks/results/<commit>.json)
	@$(BIN)/exchange bench $(ARGS)

bench-pairs: $(VENV)/.ready ## the code of another checkout and of this one in turn (OLD=../old ARGS="--case luova-json --rounds 5")
	@$(BIN)/python -m exchange.benchmarks.pairs $(OLD) $(ARGS)

bench-compare: $(VENV)/.ready ## fail when a ratio is more than 15 % below the kept one (benchmarks/baseline.json)
	@$(BIN)/exchange bench --no-others --compare $(ARGS)

load: $(VENV)/.ready ## send the published mix (SHAPE=flat|working-day|pay-day|step|soak RATE=50 DURATION=60 DAY=1500000 FACTOR=10 BUDGET=ci HOST=... MIX=mine.toml; TO=county.mine: on a partner's own endpoint)
	@$(BIN)/python -m loadtests $(if $(SHAPE),--shape $(SHAPE)) $(if $(RATE),--rate $(RATE)) $(if $(DURATION),--seconds $(DURATION)) \
	  $(if $(DAY),--day $(DAY)) $(if $(FACTOR),--factor $(FACTOR)) $(if $(BUDGET),--budget $(BUDGET)) $(if $(HOST),--host $(HOST)) \
	  $(if $(MIX),--mix $(MIX)) $(if $(TO),--to $(TO)) $(if $(URL),--url $(URL)) $(if $(SECTOR),--sector $(SECTOR)) $(ARGS)

growth: $(VENV)/.ready ## measure with 0, 1 and 10 million messages in the ledger (SIZES="0 1000000")
	@$(BIN)/python -m exchange.benchmarks.growth $(SIZES) $(ARGS)

top-day: $(VENV)/.ready ## live a top day of 1.5 million messages as fast as it goes (ARGS="--each": an HTTP request for each)
	@$(BIN)/python -m exchange.benchmarks.top_day $(ARGS)

drills: $(VENV)/.ready ## break it in every way at full length, print and write the table, then whole simulated years (DRILLS=1000 kills, ARGS="-k disk")
	@rm -f reports/drills.md reports/shapes.md
ifneq ($(ARGS),)
	@$(DRILL) -n 0 tests/drills $(ARGS)
else
	@# What is held against the clock has the machine for itself; the rest uses two processors. Every
	@# step is taken, whatever the one before it said. Each day has a part of what is too much for half
	@# an hour (PARTS=1: all of the third step; `make drills-shapes` and `make mutants` have the rest).
	@failed=0; export DRILLS_SEED=$${DRILLS_SEED:-$$(($$(date +%s) / 86400))}; \
	$(DRILL) -n 0 -m by_clock tests/drills || failed=1; \
	$(DRILL) -n 2 -m "not by_clock" tests/drills || failed=1; \
	DRILLS_PARTS=$(or $(PARTS),3) $(BIN)/python -m pytest -n 2 -q -m "drill or hypothesis" --hypothesis-profile drawn --ignore tests/drills || failed=1; \
	$(BIN)/python -m tests.mutants --parts 12 --random 3 --seed $$DRILLS_SEED || failed=1; \
	exit $$failed
endif

drills-shapes: $(VENV)/.ready ## judge every hostile document of every message type at 1 MB, hours (`make drills` draws some each day)
	@rm -f reports/shapes.md
	@DRILLS_ALL_SHAPES=1 $(DRILL) -n 2 tests/drills/test_hostile_shapes.py

DRILL = DRILLS=$(or $(DRILLS),100) $(BIN)/python -m pytest -q -p no:randomly

screenshots: $(VENV)/.ready browser ## a picture of each page in light, dark and as on a phone (reports/screenshots)
	@$(BIN)/python -m tests.journeys.pages.screenshots

mutants: $(VENV)/.ready ## plant the listed faults, each must fail its test; a part of the drills (DRAW=20 draws more, ARGS="--only schemas --within schemas")
	@$(BIN)/python -m tests.mutants $(if $(DRAW),--random $(DRAW)) $(ARGS)

format: $(VENV)/.ready ## rewrite the sources as `make check` wants them
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

lock: $(VENV)/.run ## write the three lock files again from pyproject.toml
	@# The larger one first: what runs has the pins that were tested.
	$(call pin,--extra test,requirements-test.lock)
	$(call pin,--extra telemetry --constraint requirements-test.lock,requirements-telemetry.lock)
	$(call pin,--constraint requirements-test.lock,requirements.lock)

define pin
$(UV) pip compile --quiet $(1) pyproject.toml --generate-hashes --no-emit-index-url --no-header \
  --python-version 3.11 --universal -o $(2)
endef

sbom: $(VENV)/.ready ## write what running needs as a CycloneDX list, validated (OUT=data/sbom.cdx.json)
	@# An environment of its own, since the list is to hold neither the tools nor uv.
	@$(PYTHON) -m venv --clear --without-pip $(VENV)/sbom
	@$(UV) pip sync --quiet --python $(VENV)/sbom/bin/python --require-hashes requirements.lock
	@mkdir -p $(dir $(OUT))
	@$(BIN)/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --sv 1.6 --of JSON \
	  --output-reproducible --validate --output-file $(OUT) $(VENV)/sbom/bin/python
	@echo "$(OUT): valid CycloneDX 1.6"
sbom: OUT ?= data/sbom.cdx.json

browser: ## install Debian's Chromium for the tests of the pages, where that can be done
	@sh .ci/browser

clean: ## remove the environment and every cache; ledgers and reports stay (`make clean-data`)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis build dist

clean-data: ## remove data/ (ledgers, their heads, keys), reports/, simulations/ and sandboxes/
	rm -rf data reports simulations sandboxes
