"""One stack's resource graph, in a process of its own: `python -m infra.preview.child STACK ROOT`.

Run from a worktree of another revision, so that this very file, like all else it imports, is that revision's. It gets
the key for secrets on stdin and answers with one JSON line on stdout; whatever the program prints goes to stderr.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import infra
from infra.diff.graph_json import dumps
from infra.recorder.stack_program import record_stack
from sizing.errors import SizingError


def main() -> int:
    """Record and answer; 0 also where the program refused with a message, which is then the answer."""
    stack, root = sys.argv[1:]
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    key = bytes.fromhex(sys.stdin.readline().strip())
    reply = {"code": str(Path(infra.__file__).resolve())}
    try:
        reply["graph"] = dumps(record_stack(Path(root), stack).graph, key=key)
    except SizingError as error:
        reply["error"] = str(error)
    with answer:
        answer.write(json.dumps(reply))
    return 0


if __name__ == "__main__":
    sys.exit(main())
