# Everything runs in .venv, made on first use; the only needs are Python 3.11+, git and make.
unexport PYTHONDONTWRITEBYTECODE # byte code saves three seconds of every preview
STACK ?= chat-aws
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime-installed
DEV := .venv/.dev-installed
JUDGE := .venv-judge/.installed
POLICY := .venv-policy/.installed
ENGINE := .engine/bin/pulumi
ENGINE_VERSION = $(shell sed -n 's|^require github.com/pulumi/pulumi/pkg/v3 v||p' tools/engine/go.mod)
COMPILE := uv pip compile pyproject.toml --extra pulumi --group build --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" -q

.PHONY: preview size test engine check judge policy golden bench sdk lock lock-judge lock-policy

preview: $(RUNTIME) ## what `pulumi up` would create for STACK, and what it costs: offline, no cloud account
	@$(BIN)/sizeup preview $(STACK)

size: $(RUNTIME) ## size STACK anew and write stacks/STACK.plan.json
	@$(BIN)/sizeup size $(STACK)

test: $(DEV) ## all tests
	@$(BIN)/python -m pytest

engine: $(DEV) ## end-to-end tests on the real Pulumi engine, built with Go where no pulumi is on PATH, over an emulated cloud
	@if command -v pulumi >/dev/null; then true; \
	elif [ -x $(ENGINE) ] && ! command -v go >/dev/null; then true; \
	elif ! command -v go >/dev/null; then echo "left out: the tests on the real engine need pulumi, or go to build it, on PATH" >&2; exit 0; \
	elif [ ! -x $(ENGINE) ] && ! (cd tools/engine && go mod download github.com/pulumi/pulumi/pkg/v3); then \
		echo "left out: the tests on the real engine, as Pulumi's modules cannot be had here" >&2; exit 0; \
	else $(MAKE) --no-print-directory $(ENGINE) || exit 1; fi; \
	$(BIN)/python -m pytest --dist loadgroup tests/engine

# `go install ...@version` refuses modules with replace directives, so the command is built from a module of our own.
$(ENGINE): tools/engine/go.mod tools/engine/go.sum tools/engine/tools.go
	@echo "building pulumi $(ENGINE_VERSION) (once; five minutes on two cores, and 1.6 GB of modules)" >&2
	@cd tools/engine && go build -o ../../$@ -ldflags \
		"-s -w -X github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=$(ENGINE_VERSION)" github.com/pulumi/pulumi/pkg/v3/cmd/pulumi
	@touch $@

check: $(DEV) ## ruff, mypy strict, import contracts; up to three minutes when cold (mypy reads the provider packages it needs)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/lint-imports
	@$(BIN)/mypy

judge: $(DEV) $(JUDGE) ## checkov over all example stacks, in an environment of its own: every finding is mended or waived with a reason
	@$(BIN)/python -m pytest tests/judge
	@$(BIN)/python -m tools.judge

policy: $(DEV) $(POLICY) ## the Pulumi policy pack, in an environment of its own, asked as the engine asks it
	@$(BIN)/python -m pytest tests/policy

golden: $(DEV) ## rewrite the golden previews under tests/golden; review them like code
	@$(BIN)/python -m pytest tests/test_golden.py --update-golden

bench: $(DEV) ## accuracy of the performance model over a measurements table: make bench TABLE=measured.csv
	@$(BIN)/python -m benchmarks.accuracy --table $(TABLE)

sdk: $(DEV) ## the recorder's tests with the oldest SDK of Pulumi that is allowed and with the newest there is, in scratch environments
	@$(BIN)/python -m tools.sdk_releases

lock: ## resolve the two locked requirement files anew, the larger one first (needs uv on PATH)
	@$(COMPILE) --extra plots --extra sweep --group dev -o requirements-dev.txt
	@$(COMPILE) -c requirements-dev.txt -o requirements.txt

lock-judge: ## resolve the judge's locked requirements anew (needs uv on PATH)
	@uv pip compile tools/judge/requirements.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock-judge" -q -o tools/judge/requirements.txt

lock-policy: ## resolve the policy pack's locked requirements anew (needs uv on PATH)
	@uv pip compile infra/policy/requirements.in --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--custom-compile-command "make lock-policy" -q -o infra/policy/requirements.txt

.venv/bin/python:
	@echo "setting up .venv (a minute or two, once)" >&2
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than Python 3.11; hint: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@$(PYTHON) -m venv .venv

$(RUNTIME): requirements.txt pyproject.toml | .venv/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV): requirements-dev.txt $(RUNTIME)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r requirements-dev.txt
	@touch $@

$(JUDGE): tools/judge/requirements.txt
	@echo "setting up .venv-judge (half a minute, once)" >&2
	@$(PYTHON) -m venv .venv-judge
	@.venv-judge/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@

$(POLICY): infra/policy/requirements.txt
	@echo "setting up .venv-policy (half a minute, once)" >&2
	@$(PYTHON) -m venv .venv-policy
	@.venv-policy/bin/python -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes -r $<
	@touch $@
