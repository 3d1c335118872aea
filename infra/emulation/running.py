"""Runs one Pulumi program for the language host, as a script of the project's own Python: needs the SDK only.

`running.py SETTINGS PROGRAM [ARGUMENT...]`; the settings are JSON with the names of `pulumi.runtime.Settings`.
"""

from __future__ import annotations

import asyncio
import json
import logging
import runpy
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pulumi
from pulumi.runtime import (
    Settings,
    configure,
    get_config_env,
    get_config_secret_keys_env,
    run_in_stack,
    set_all_config,
)

SHOWN = 32  # exit status of a program whose error the user has seen already
_THREADS_EACH = 4  # of the pool, for every resource that is made at a time


def main(settings_text: str, program: str, arguments: list[str]) -> int:
    """Run *program* and return its exit status."""
    settings = Settings(**json.loads(settings_text))
    set_all_config(get_config_env(), get_config_secret_keys_env())
    configure(settings)
    sys.argv = [program, *arguments]
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # a failed program leaves futures that nobody awaits
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    loop.set_default_executor(ThreadPoolExecutor(max_workers=max(settings.parallel or 1, 1) * _THREADS_EACH))

    def run() -> None:
        runpy.run_path(program, run_name="__main__")

    try:
        loop.run_until_complete(run_in_stack(run))
    except pulumi.RunError as error:  # a user's mistake: its message, and no trace
        pulumi.log.error(str(error))
        return SHOWN
    except Exception as error:  # noqa: BLE001  the program's entry point: whatever it raised is shown with its trace
        pulumi.log.error("Program failed with an unhandled exception:\n" + _own_trace(error, program))
        return SHOWN
    finally:
        loop.run_until_complete(loop.shutdown_default_executor())
        loop.close()
    return 0


def _own_trace(error: Exception, program: str) -> str:
    """The trace of *error* from where *program* begins: what started it is not the user's."""
    trace, folder = error.__traceback__, str(Path(program).resolve())
    while trace is not None and not _is_in(folder, trace.tb_frame.f_code.co_filename):
        trace = trace.tb_next
    return "".join(traceback.format_exception(type(error), error, trace or error.__traceback__))


def _is_in(folder: str, file: str) -> bool:
    return not file.startswith("<") and str(Path(file).resolve()).startswith(folder)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
