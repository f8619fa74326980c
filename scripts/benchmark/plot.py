"""The plot of the docs, drawn by matplotlib in an environment of its own: ``python plot.py FILE`` with the bars on standard input."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

COLOURS = {"floor": "#9aa5b1", "ours": "#1f6feb", "shared": "#e0823d", "naive": "#b42318"}


def draw(cases: Mapping[str, Any], to: Path) -> None:
    """CPU of one call by case and contender, as SVG at *to*."""
    from benchmark.cases import CONTENDERS
    from benchmark.environments import programs

    bars = {name: {each: cost["cpu_ms"] for each, cost in contenders.items()} for name, contenders in cases.items()}
    told = json.dumps({"bars": bars, "labels": CONTENDERS})
    subprocess.run([programs("plot") / "python", __file__, to], input=told, text=True, check=True)


def main(to: str) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "bench", "svg.fonttype": "none", "font.family": "sans-serif"})
    from matplotlib import pyplot as plt

    told = json.load(sys.stdin)
    bars, labels = told["bars"], told["labels"]
    figure, axes = plt.subplots(figsize=(9, 4.5), layout="constrained")
    width = 0.8 / len(COLOURS)
    for at, (name, colour) in enumerate(COLOURS.items()):
        there = [(position, bars[case][name]) for position, case in enumerate(bars) if name in bars[case]]
        axes.bar(
            [position + (at - 1.5) * width for position, _ in there], [cost for _, cost in there], width, label=labels[name], color=colour
        )
    axes.set_yscale("log")
    axes.set_ylabel("CPU milliseconds a call (logarithmic)")
    axes.set_xticks(range(len(bars)), list(bars))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(to, metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1])
