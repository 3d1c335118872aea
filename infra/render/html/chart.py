"""A chart as inline SVG: axes, lines, points with their words, and a legend that needs no colours to be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from infra.render.chart import Chart, Line, Mark, ticks
from infra.render.html.markup import Child, element
from sizing.figures import count

WIDTH, HEIGHT = 760.0, 380.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 76.0, 20.0, 14.0, 52.0
COLOURS = 8  # then they begin again; shapes tell groups apart then
SHAPES = ("circle", "square", "diamond", "triangle")
_SIZE = 5.0
_CORNERS: Mapping[str, Sequence[tuple[float, float]]] = {  # about the middle, y down, in sizes
    "square": ((-1, -1), (1, -1), (1, 1), (-1, 1)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "triangle": ((0, -1.2), (1.2, 1), (-1.2, 1)),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scale:
    """From values to places in the drawing."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]

    def x(self, value: float) -> float:
        return _LEFT + (value - self.xs[0]) / (self.xs[-1] - self.xs[0]) * (WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - (value - self.ys[0]) / (self.ys[-1] - self.ys[0]) * (HEIGHT - _TOP - _BOTTOM)


def chart_figure(chart: Chart) -> Element:
    """The drawing and its legend; without points, that there is none."""
    if not chart.marks:
        return element("p", "No point has a plan.", class_="note")
    xs = [mark.x for mark in chart.marks]
    across = (-0.5, len(chart.x_names) - 0.5) if chart.x_names else ticks(min(xs), max(xs))
    scale = _Scale(xs=across, ys=ticks(0, max(mark.y for mark in chart.marks)))
    groups = {group: number for number, group in enumerate(chart.groups)}
    drawn = [
        *_axes(chart, scale),
        *(shape for line in chart.lines for shape in _line(line, chart, scale)),
        *(_point(mark, groups[mark.group], scale) for mark in chart.marks),
    ]
    drawing = element(
        "svg",
        element("title", chart.title),
        *drawn,
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        class_="chart plot",
        role="img",
    )
    return element("figure", drawing, _legend(chart, groups))


def _axes(chart: Chart, scale: _Scale) -> list[Child]:
    """Both scales with their numbers, the lines of y across, and what they are of."""
    bottom, parts = HEIGHT - _BOTTOM, list[Child]()
    for value in scale.ys:
        at = scale.y(value)
        parts.append(element("line", x1=_LEFT, x2=WIDTH - _RIGHT, y1=at, y2=at, class_="rule"))
        parts.append(element("text", count(value), x=_LEFT - 8, y=at, class_="end"))
    named = [(float(place), name) for place, name in enumerate(chart.x_names)]
    named = named or [(value, count(value)) for value in scale.xs]
    parts += [element("text", name, x=scale.x(value), y=bottom + 16, class_="below") for value, name in named]
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(element("text", chart.x_label, x=middle, y=HEIGHT - 10, class_="below label"))
    turned = f"rotate(-90 14 {(bottom + _TOP) / 2:.0f})"
    parts.append(element("text", chart.y_label, x=14, y=(bottom + _TOP) / 2, transform=turned, class_="below label"))
    return parts


def _line(line: Line, chart: Chart, scale: _Scale) -> list[Child]:
    """The stretches between points that have a plan, and the name of the line at its end."""
    stretches: list[list[Mark]] = [[]]
    for mark in line.marks:
        if mark is None:
            stretches.append([])
        else:
            stretches[-1].append(mark)
    parts: list[Child] = [
        element("path", d=_path(stretch, scale, stepped=chart.is_front), class_="curve")
        for stretch in stretches
        if len(stretch) > 1
    ]
    last = next((mark for mark in reversed(line.marks) if mark is not None), None)
    if line.name and last is not None:
        at = scale.y(last.y) - 12
        parts.append(element("text", line.name, x=scale.x(last.x), y=max(_TOP, at), class_="end name"))
    return parts


def _path(marks: Sequence[Mark], scale: _Scale, *, stepped: bool) -> str:
    """From point to point; stepped, what one point costs holds until the next."""
    start = f"M{scale.x(marks[0].x):.1f} {scale.y(marks[0].y):.1f}"
    if stepped:
        return start + "".join(f"H{scale.x(mark.x):.1f}V{scale.y(mark.y):.1f}" for mark in marks[1:])
    return start + "".join(f"L{scale.x(mark.x):.1f} {scale.y(mark.y):.1f}" for mark in marks[1:])


def _point(mark: Mark, number: int, scale: _Scale) -> Element:
    beaten = " beaten" if mark.is_beaten else ""
    return _shape(
        SHAPES[number % len(SHAPES)],
        (scale.x(mark.x), scale.y(mark.y)),
        class_=f"colour{number % COLOURS}{beaten}",
        words=mark.label,
    )


def _shape(name: str, at: tuple[float, float], *, class_: str, words: str | None = None) -> Element:
    x, y = at
    told = None if words is None else element("title", words)
    if name == "circle":
        return element("circle", told, cx=x, cy=y, r=_SIZE, class_=class_)
    placed = " ".join(f"{x + _SIZE * right:.1f},{y + _SIZE * down:.1f}" for right, down in _CORNERS[name])
    return element("polygon", told, points=placed, class_=class_)


def _legend(chart: Chart, groups: dict[str, int]) -> Element:
    """Which shape and colour is which machines."""
    items = [
        element(
            "li",
            element(
                "svg",
                _shape(SHAPES[number % len(SHAPES)], (8, 8), class_=f"colour{number % COLOURS}"),
                viewBox="0 0 16 16",
                class_="key",
            ),
            f" {group}",
        )
        for group, number in groups.items()
    ]
    if any(mark.is_beaten for mark in chart.marks):
        items.append(element("li", element("small", "hollow: costs more for no more than a point on the line")))
    return element("ul", *items, class_="legend")
