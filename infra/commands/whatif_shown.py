"""How `sizeup whatif` shows what it tried: as text, JSON or a page on stdout, and as an image in a file."""

from __future__ import annotations

import argparse
import sys

from infra.commands.answer import answer
from infra.render.html.tries import render_tries_html
from infra.render.plot import write_png
from infra.render.tries_charts import charts_of
from sizing.allocation.whatif.tried import Tries
from sizing.render_sweep import render_tries, tries_document


def show_tries(tries: Tries, arguments: argparse.Namespace) -> None:
    """Write the image first, as it may be refused, and then the answer."""
    if arguments.plot is not None:
        write_png(charts_of(tries), arguments.plot)
        sys.stderr.write(f"wrote {arguments.plot}\n")
    if arguments.html:
        sys.stdout.write(render_tries_html(tries))
    else:
        answer(as_json=arguments.json, document=lambda: tries_document(tries), text=lambda: render_tries(tries))
