"""What the engine starts for `--policy-pack infra/policy`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).resolve().parents[2])  # the project; the engine puts this folder there

from infra.policy.pack import serve  # noqa: E402  the project has to be found first

serve()
