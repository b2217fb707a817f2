"""The picture: cost of one decision against the number of rules, every engine, both axes logarithmic.

Run by the peers' interpreter, which has matplotlib: ``python -m benchmarks.plot results.json results.svg``.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from benchmarks.decisions import OURS as DOORS
from benchmarks.engines import ENGINES

INK, FAINT, PAPER = "#1f2933", "#d9dee4", "#ffffff"
OURS = "#c2410c"
COLOURS = {
    "stock": "#3b5b92",
    "fast": "#6d8fc7",
    "node-casbin": "#8a6fb0",
    "cedarpy": "#2f7f6f",
    "oso": "#8a8d3f",
    "regopy": "#a3617d",
    "trie": "#5f6b7a",
    "dict": "#9aa5b1",
}
UNITS = {
    1e-1: "100 ns",
    1e0: "1 µs",
    1e1: "10 µs",
    1e2: "100 µs",
    1e3: "1 ms",
    1e4: "10 ms",
    1e5: "100 ms",
    1e6: "1 s",
    1e7: "10 s",
}


def draw(figures: dict[str, Any], out: Path, kind: str = "mix") -> None:
    """Draws ``figures`` of the decisions section."""
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("Agg")
    plt: Any = import_module("matplotlib.pyplot")
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 10.5})
    plt.rcParams.update({"svg.hashsalt": "sekisho", "svg.fonttype": "path"})
    figure, axes = plt.subplots(figsize=(10.6, 6.4), facecolor=PAPER)
    lines = {name: _points(figures, name, kind) for name in ENGINES}
    for name, points in lines.items():
        if points:
            _line(axes, name, points)
    _labels(axes, {name: points for name, points in lines.items() if points})
    _frame(axes, [int(size) for size in figures["sizes"]])
    axes.set_title(
        "One decision against the number of rules",
        loc="left",
        fontsize=15,
        fontweight="bold",
        color=INK,
        pad=28,
    )
    axes.text(
        0, 1.025, "random mix of allowed and refused requests: inherited roles, path patterns, denies; log axes",
        transform=axes.transAxes, color="#5f6b7a", fontsize=10,
    )  # fmt: skip
    figure.subplots_adjust(left=0.085, right=0.735, top=0.86, bottom=0.1)
    figure.savefig(out, metadata={"Date": None} if out.suffix == ".svg" else None, dpi=130)


def _points(figures: dict[str, Any], name: str, kind: str) -> list[tuple[int, float]]:
    at = ((int(size), engines.get(name, {})) for size, engines in figures["sizes"].items())
    return [(size, each[f"{kind}_us"]) for size, each in at if f"{kind}_us" in each]


def _line(axes: Any, name: str, points: list[tuple[int, float]]) -> None:
    ours, handwritten = name in DOORS, name in {"trie", "dict"}
    axes.plot(
        *zip(*points, strict=True),
        color=OURS if ours else COLOURS[name],
        linewidth=3 if ours else 1.7,
        linestyle=(0, (1, 1.2)) if name == "indexed" else (0, (4, 2)) if handwritten else "-",
        marker="o",
        markersize=6.5 if ours else 4.5,
        markeredgecolor=PAPER,
        markeredgewidth=0.8,
        zorder=5 if ours else 3,
        clip_on=False,
    )


def _labels(axes: Any, lines: dict[str, list[tuple[int, float]]]) -> None:
    """Every line is named at its right end, pushed apart where ends are close; no legend to look up."""
    right = max(points[-1][0] for points in lines.values())
    ends = sorted((points[-1][1], name) for name, points in lines.items())
    least, floor = 1.75, 0.0
    for cost, name in ends:
        height = max(cost, floor * least)
        floor = height
        ours = name in DOORS
        axes.annotate(
            f"{ENGINES[name].label}  {_duration(cost)}{_where(lines[name], right)}",
            xy=(lines[name][-1][0], cost),
            xytext=(right * 1.5, height),
            textcoords="data",
            va="center",
            color=OURS if ours else COLOURS[name],
            fontweight="bold" if ours else "normal",
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 4},
        )


def _where(points: list[tuple[int, float]], right: int) -> str:
    """At how many rules, for a line that ends before the others."""
    return f" at {points[-1][0]:,}" if points[-1][0] < right else ""


def _duration(micro: float) -> str:
    for scale, unit in ((1e6, "s"), (1e3, "ms"), (1, "µs")):
        if micro >= scale:
            return f"{micro / scale:.3g} {unit}"
    return f"{micro * 1e3:.0f} ns"


def _frame(axes: Any, sizes: list[int]) -> None:
    axes.set(xscale="log", yscale="log")
    axes.set_xticks(sizes, [f"{size:,}" for size in sizes])
    axes.set_yticks(list(UNITS), list(UNITS.values()))
    axes.minorticks_off()
    axes.set_xlabel("rules", color=INK, labelpad=8)
    axes.grid(axis="y", color=FAINT, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, colors=INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


if __name__ == "__main__":
    draw(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["decisions"], Path(sys.argv[2]))
