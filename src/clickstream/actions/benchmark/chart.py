"""Draws the benchmark's chart: grouped bars, partitions by number of events, with the copy limit."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clickstream.domain.errors import ClickstreamError

if TYPE_CHECKING:
    from clickstream.actions.benchmark.history import Record
    from clickstream.actions.benchmark.series import Summary

_PALETTE = ("#0b4f6c", "#1481ba", "#2cc3d9", "#8bd3e6", "#e5b454", "#c8553d")
_TEXT = "#6a737d"
"""Readable on a white page and on a dark one; the picture itself is transparent."""


def require(path: Path) -> None:
    """Find out before an hour's work whether its picture can be drawn.

    Raises:
        ClickstreamError: the library is missing, or there is no such folder.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ClickstreamError(
            "a chart needs matplotlib", hint="pip install 'clickstream[chart]', or leave --chart away"
        )
    if not path.parent.is_dir():
        raise ClickstreamError(f"there is no folder {path.parent} for the chart")


def chart(summaries: Sequence[Summary], record: Record, path: Path) -> None:
    """Draw it; the file's suffix says how (.svg or .png)."""
    import matplotlib  # noqa: PLC0415 (an optional dependency)
    from matplotlib.figure import Figure  # noqa: PLC0415

    matplotlib.rcParams.update({"svg.hashsalt": "clickstream", "svg.fonttype": "none", "font.family": "sans-serif"})
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    _draw(figure.subplots(), list(summaries))
    figure.suptitle("events stored per second, exactly once, sessions included", color=_TEXT, fontsize=11)
    cores, cpu = record.machine["cores"], record.machine["cpu"]
    spread = " Thin lines: slowest and fastest run." if any(one.minimum < one.maximum for one in summaries) else ""
    figure.supxlabel(
        f"{cores} cores ({cpu}) for everything: Kafka, PostgreSQL and the consumers.\n"
        f"Bars: median, one consumer a partition.{spread} Strokes: what COPY alone reaches with these rows.",
        color=_TEXT,
        fontsize=8,
    )
    metadata: dict[str, Any] = {"Date": None} if path.suffix.lower() == ".svg" else {}
    figure.savefig(path, transparent=True, dpi=160, metadata=metadata)


def _draw(axes: Any, summaries: list[Summary]) -> None:
    events = sorted({one.case.events for one in summaries})
    partitions = sorted({one.case.partitions for one in summaries})
    width = 0.8 / len(partitions)
    for index, count in enumerate(partitions):
        own = [one for one in summaries if one.case.partitions == count]
        places = [events.index(one.case.events) + (index - (len(partitions) - 1) / 2) * width for one in own]
        colour = _PALETTE[index % len(_PALETTE)]
        label = f"{count} partition{'s' if count > 1 else ''}"
        axes.bar(places, [one.median / 1000 for one in own], width * 0.9, color=colour, label=label)
        for place, one in zip(places, own, strict=True):
            limit = one.median / one.ratio / 1000
            axes.hlines(limit, place - width * 0.4, place + width * 0.4, color=_TEXT, linewidth=1)
            axes.vlines(place, one.minimum / 1000, one.maximum / 1000, color=_TEXT, linewidth=0.8)
    axes.set_xticks(range(len(events)), [f"{count:,}" for count in events])
    axes.set_xlabel("events", color=_TEXT)
    axes.set_ylabel("thousand events/s", color=_TEXT)
    axes.tick_params(colors=_TEXT)
    axes.legend(frameon=False, labelcolor=_TEXT, fontsize=8, ncols=len(partitions), loc="upper left")
    axes.margins(y=0.2)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(_TEXT)
