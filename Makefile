# Everything sets itself up in .venv; a fresh machine needs only Python >= 3.11 (with venv) and make.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
# Tests run in so many processes of one thread each: `make test WORKERS=8` on a machine with the cores and 16 GiB.
WORKERS ?= 2
PYTEST := OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses $(WORKERS) --dist worksteal

.PHONY: demo check test system lint types unit docs clean

$(STAMP): pyproject.toml constraints.txt
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install --quiet --upgrade pip
	$(PY) -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: $(STAMP)
	$(VENV)/bin/edgekit demo --out demo-out --force

test: system lint types unit

# For daily work: everything that is fast.
check: lint types
	$(PYTEST) -q -m "not slow and not system"

# CI installs what tests marked `system` need; elsewhere those tests skip and name the command that helps.
system: $(STAMP)
	test -z "$(CI)" || tools/install-system-packages.sh
	test -z "$(CI)" || $(PY) tools/fetch_android_tools.py

lint: $(STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/mypy

unit: $(STAMP)
	$(PYTEST) --durations=25

# The documentation site, in site/: open site/index.html.
docs: $(STAMP)
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/mkdocs build --quiet

clean:
	rm -rf $(VENV) demo-out site .mypy_cache .ruff_cache .pytest_cache
