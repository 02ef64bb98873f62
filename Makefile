# The two commands: `make demo` and `make test`. `make check` is the quick part of the tests, `make test-all` adds the nightly ones.
VENV := .venv
BIN := $(VENV)/bin
HEADLESS ?= 0

.PHONY: demo demo-reset check test test-all test-shared test-busy setup lock samples bare-debian release bundle handbook

demo: $(VENV)/.installed
	$(BIN)/efterskrift demo $(if $(filter 1,$(HEADLESS)),--headless)

demo-reset:
	rm -rf data/store/demo
	$(MAKE) demo

check: $(VENV)/.installed-test
	scripts/check

test: $(VENV)/.installed-test
	scripts/test

test-all: $(VENV)/.installed-test
	scripts/test --all

# The tests that need third-party data, which is not part of the project.
test-shared: $(VENV)/.installed-test
	scripts/test --shared

# Tests with a time limit, a worker or a browser, beside four busy loops: none may depend on a machine that has nothing else to do.
test-busy: $(VENV)/.installed-test
	scripts/test-busy

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.lock pyproject.toml scripts/setup
	scripts/setup

$(VENV)/.installed-test: requirements.lock requirements-test.lock pyproject.toml scripts/setup
	scripts/setup --test

# Exact versions with checksums, for every Python that pyproject.toml allows.
lock:
	scripts/lock

samples: $(VENV)/.installed-test
	$(BIN)/python -m tests.support.pages.make_samples

# The two commands in a Debian with nothing in it. By hand and before a release; needs root and debootstrap.
bare-debian:
	scripts/bare-debian

# What goes with a release, in build/release: parts (CycloneDX), their licences and their known vulnerabilities.
release: $(VENV)/.installed-test
	scripts/release

# One archive that installs the program without internet, in build/bundle, and an OCI image of the same. Needs root, debootstrap and about 8 GB;
# `scripts/bundle-check ARCHIVE` installs it on a bare Debian with the network off.
bundle:
	scripts/bundle

# The handbook as a site and one PDF, in build/handbook.
handbook: $(VENV)/.installed-test
	scripts/handbook
