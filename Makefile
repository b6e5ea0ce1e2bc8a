# Every target sets up the locked environment first; a second call finds it in place.
SHELL := /bin/bash
UV := $(shell command -v uv 2>/dev/null || echo .venv-uv/bin/uv)
STAMP := .venv/.synced
# Several at a time, each on one core, and one more than there are cores, as some wait for
# files and processes; the tests of one file stay together, since they share what took
# long to make.
CORES := $(shell getconf _NPROCESSORS_ONLN)
AT_ONCE := $(shell echo $$(( $(CORES) < 3 ? $(CORES) + 1 : 4 )))
TESTS := OMP_NUM_THREADS=1 .venv/bin/python -m pytest -q -n $(AT_ONCE) --dist loadfile --no-loadscope-reorder

.PHONY: browser demo test check format bench bench-repair samples torture clean eval-hands

$(STAMP): pyproject.toml uv.lock
	@if ! command -v "$(UV)" >/dev/null; then \
	  python3 -m venv .venv-uv && .venv-uv/bin/python -m pip install --quiet uv; fi
	$(UV) sync --locked --all-extras --compile-bytecode
	@touch $(STAMP)

demo: $(STAMP)
	@.venv/bin/python -m pipeline repair data/samples --out demo-out \
	  --masks data/samples_masks --config configs/demo.toml; \
	code=$$?; test $$code -le 1 || exit $$code

test: $(STAMP)
	$(TESTS)

check: $(STAMP)
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	$(TESTS)

# For the tests of the report page; without one they skip, and say so.
browser:
	@command -v chromium >/dev/null || \
	  { apt-get update -qq && apt-get install -y -qq chromium; } || \
	  echo "no Chromium could be installed: the tests in tests/browser skip"

format: $(STAMP)
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# Ratios, measured in turns; JSON=FILE keeps them, PARTS=memory measures one part.
bench: $(STAMP)
	.venv/bin/python -m tests.bench $(PARTS) $(if $(JSON),--json $(JSON))

# Ways to paint the best of N, in turns; JSON=FILE keeps the figures, REPAIR="--regions 16
# --engines ours,asdff" and the like narrow it down.
bench-repair: $(STAMP)
	.venv/bin/python -m tests.bench.repair $(REPAIR) $(if $(JSON),--json $(JSON))

# Every promise about a night in full, for an hour or two; PARTS="kills power" tries some
# of them, SCALE=0.01 tries each a hundredth as often.
torture: $(STAMP)
	.venv/bin/python -m tests.torture $(PARTS) $(if $(SCALE),--scale $(SCALE))

# Renders always; real hands and edits of them where a folder of labelled hands is.
eval-hands: $(STAMP)
	PYTHONPATH=data .venv/bin/python -m workshop.eval_hands \
	  --json data/workshop/out/eval-hands.json --table data/docs/eval-hands.md
