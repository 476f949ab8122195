# The short loops of a developer, a word each; `make` alone lists them. All they do is to call
# CMake, CTest and scripts of tests/, which work without them, too (CONTRIBUTING.md).
# Another build than the debug one: make check PRESET=release. CMake's own make files are in
# build/<preset>/ and have nothing to do with this one.
PRESET ?= dev
BUILD := build/$(PRESET)
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
NAME ?=

.PHONY: help build check test coverage tidy docs site
help:
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile | expand -t 18

$(BUILD)/build.ninja:
	cmake --preset $(PRESET)

build: $(BUILD)/build.ninja ## builds everything into build/dev (PRESET=release: the release build)
	cmake --build $(BUILD) -j $(JOBS)

check: build ## lints, unit and API tests: before each commit, under a minute
	ctest --test-dir $(BUILD) -L 'lint|unit|api' -j $(JOBS) --output-on-failure

test: build ## one test, by a part of its name: make test NAME=test_breaker (or 07_models: the daemon's)
	@test -n "$(NAME)" || { echo 'make test NAME=...; ctest --test-dir $(BUILD) -N lists names' >&2; exit 2; }
	@if ctest --test-dir $(BUILD) -N -R '$(NAME)' | grep -q '^Total Tests: 0$$'; then \
	  python3 tests/daemon/run_daemon_tests.py --recsysd $(BUILD)/bin/recsysd '$(NAME)'; \
	else ctest --test-dir $(BUILD) -R '$(NAME)' -j $(JOBS) --output-on-failure; fi

coverage: ## which lines and branches the tests execute, a folder a line (some ten minutes)
	tests/coverage.py

tidy: $(BUILD)/build.ninja ## clang-tidy over lib/ and daemon/ (some minutes)
	tests/tidy.py $(BUILD)

docs: build ## man pages and the API reference, into build/dev/docs
	cmake --build $(BUILD) --target docs

site: docs ## all pages, the API reference and man pages as a site, in build/site
	test -x build/venv-site/bin/mkdocs || { python3 -m venv build/venv-site && \
	  build/venv-site/bin/pip install --quiet -r docs/site/requirements.txt; }
	build/venv-site/bin/python docs/site/build.py $(BUILD) build/site
	python3 docs/site/check.py build/site
