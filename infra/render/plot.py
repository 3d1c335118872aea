"""Charts as a PNG, drawn by Matplotlib, which is there where sizeup was installed with its extra `plots`."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from infra.failures import WrongInput
from infra.files import write_whole_bytes
from infra.render.chart import Chart

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INCHES, _DOTS_PER_INCH = (8.0, 4.5), 150
_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#8b8f98")  # Okabe and Ito
_SHAPES = ("o", "s", "D", "^")


def write_png(charts: Sequence[Chart], path: Path) -> None:
    """
    One image of *charts*, below each other; written whole or not at all, the same charts give the same bytes.

    Raises:
        WrongInput: If Matplotlib is not installed, if nothing is to be drawn, or if the file cannot be written.
    """
    if not any(chart.marks for chart in charts):
        raise WrongInput(f"--plot {path}: one point, or none with a plan, is no curve\n    hint: sweep: KEY=5..100")
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415  an extra, and need not be there
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise WrongInput(
            f"--plot {path}: images are drawn by Matplotlib, which is not installed\n"
            "    hint: pip install 'sizeup[plots]', or --html, which needs nothing"
        ) from None
    figure = Figure(figsize=(_INCHES[0], _INCHES[1] * len(charts)), dpi=_DOTS_PER_INCH, layout="constrained")
    FigureCanvasAgg(figure)
    for number, chart in enumerate(charts, start=1):
        _draw(chart, figure.add_subplot(len(charts), 1, number))
    image = io.BytesIO()
    figure.savefig(image, format="png", metadata={"Software": None})
    try:
        write_whole_bytes(path, image.getvalue())
    except OSError as error:
        raise WrongInput(f"--plot {path}: cannot be written: {error.strerror}\n    hint: name another file") from None


def _draw(chart: Chart, axes: Axes) -> None:
    """Lines, then points by group with a legend, y from nought."""
    for line in chart.lines:
        xs = [float("nan") if mark is None else mark.x for mark in line.marks]
        ys = [float("nan") if mark is None else mark.y for mark in line.marks]
        how = "steps-post" if chart.is_front else "default"
        axes.plot(xs, ys, color="#5d636e", linewidth=1.2, drawstyle=how, zorder=1)
        if line.name and line.marks[-1] is not None:
            last = line.marks[-1]
            axes.annotate(line.name, (last.x, last.y), (0, 6), textcoords="offset points", ha="right", fontsize=8)
    for number, group in enumerate(chart.groups):
        colour, shape = _COLOURS[number % len(_COLOURS)], _SHAPES[number % len(_SHAPES)]
        for beaten in (False, True):
            marks = [mark for mark in chart.marks if mark.group == group and mark.is_beaten == beaten]
            axes.plot(
                [mark.x for mark in marks],
                [mark.y for mark in marks],
                shape,
                color=colour,
                markerfacecolor="white" if beaten else colour,
                label=None if beaten else group,
                zorder=2,
            )
    axes.set_title(chart.title, fontsize=10, loc="left", wrap=True)
    axes.set_xlabel(chart.x_label)
    axes.set_ylabel(chart.y_label)
    axes.set_ylim(0, max(mark.y for mark in chart.marks) * 1.1)
    axes.grid(axis="y", color="#d9dce2")
    if chart.x_names:
        axes.set_xticks(range(len(chart.x_names)), chart.x_names, fontsize=8)
    axes.legend(fontsize=8, frameon=False)
