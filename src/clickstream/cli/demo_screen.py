"""The demo's live display: progress bars, throughput as a sparkline, lag by partition; the funnel at the end."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from clickstream.actions.demo_progress import DemoProgress, Flow, Phase
from clickstream.cli.output import number, seconds
from clickstream.domain.harmless import harmless

if TYPE_CHECKING:
    from clickstream.actions.analytics import Funnel
    from clickstream.actions.demo import DemoResult

ACCENT = "cyan"
"""For what flows; all that is no data is dim."""

TICKS = " ▁▂▃▄▅▆▇█"

HISTORY = 600
"""Readings that the sparkline remembers: more than the widest screen shows."""

MOST_PARTITIONS = 12
"""Rows of the lag panel; more partitions are summed up in the last one."""

TALL = 34
"""Lines of a terminal from which the charts grow."""

WORDS = {
    Phase.STACK: "servers",
    Phase.DATA: "data file",
    Phase.RESET: "emptying",
    Phase.PIPELINE: "flowing",
    Phase.VERIFY: "verifying",
    Phase.ANALYTICS: "counting",
}


class DemoScreen:
    """What the terminal shows: made of the last word of the demo, and of those before it for the sparkline."""

    def __init__(self) -> None:
        self._now: DemoProgress | None = None
        self._flow: Flow | None = None
        self._rates: deque[float] = deque(maxlen=HISTORY)
        self._notes: list[str] = []
        self._result: DemoResult | None = None

    def show(self, now: DemoProgress) -> None:
        self._now = now
        if now.flow is not None:
            self._flow = now.flow
            self._rates.append(now.flow.rate_out)
        if now.note:
            self._notes.append(harmless(now.words))

    def finish(self, result: DemoResult) -> None:
        """The demo is over."""
        self._result = result

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = min(options.max_width, 120)
        parts: list[RenderableType] = [self._title(width)]
        parts += [Text(f"  {note}", style="yellow") for note in self._notes]
        if self._flow is not None:
            parts += [self._bars(self._flow, width), self._charts(self._flow, width, tall=console.height >= TALL)]
        if self._result is not None:
            parts.append(_outcome(self._result, width))
        elif self._now is not None:
            parts.append(self._status_line(self._now, width))
        yield Group(*parts)

    def _title(self, width: int) -> Table:
        line = Table.grid(expand=False)
        line.add_column(width=width // 2)
        line.add_column(width=width - width // 2, justify="right")
        line.add_row(Text(" clickstream demo", style="bold"), self._state())
        return line

    def _state(self) -> Text:
        elapsed = seconds(self._now.elapsed if self._now else 0.0)
        if self._result is not None:
            ok = self._result.ok
            return Text(f"{'● done' if ok else '✖ failed'}  {elapsed}", style="green" if ok else "bold red")
        if self._flow is not None and self._flow.trouble:
            return Text(f"▲ waiting  {elapsed}", style="yellow")
        word = WORDS[self._now.phase] if self._now else "starting"
        return Text(f"● {word}  {elapsed}", style="green" if self._flow else "yellow")

    def _bars(self, flow: Flow, width: int) -> Panel:
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=8, style="dim")
        bar_width = max(10, width - 58)
        grid.add_column(width=bar_width)
        grid.add_column(width=5, justify="right")
        grid.add_column(width=24, justify="right")
        grid.add_column(width=11, justify="right")
        for name, done, rate, style in (
            ("produced", flow.produced, flow.rate_in, "blue"),
            ("read", flow.read, flow.rate_out, ACCENT),
        ):
            share = min(1.0, done / flow.to_produce) if flow.to_produce else 0.0
            amount = f"{done:,} / {flow.to_produce:,}" if flow.to_produce else f"{done:,}"
            grid.add_row(name, _bar(share, bar_width, style), f"{share:4.0%}", amount, number(rate, unit="/s"))
        return Panel(grid, box=box.ROUNDED, border_style="dim", width=width)

    def _charts(self, flow: Flow, width: int, *, tall: bool) -> Table:
        left = width * 3 // 5
        row = Table.grid()
        row.add_column(width=left)
        row.add_column(width=width - left)
        height = max(8 if tall else 3, min(len(flow.lag), MOST_PARTITIONS))
        row.add_row(self._throughput(left, height), _lag(flow, width - left, height))
        return row

    def _throughput(self, width: int, height: int) -> Panel:
        inner = width - 4
        shown = list(self._rates)[-inner:]
        top = max(shown, default=0.0)
        title = f"read, messages/s   now {number(shown[-1] if shown else 0)}   most {number(top)}"
        lines = [Text(line, style=ACCENT) for line in sparkline(shown, top, height)]
        return Panel(Group(*lines), title=title, title_align="left", box=box.ROUNDED, border_style="dim", width=width)

    def _status_line(self, now: DemoProgress, width: int) -> Table:
        grid = Table.grid(padding=(0, 1))
        behind = f"; to index: {now.flow.to_index:,}" if now.flow and now.flow.to_index else ""
        words = Text(f"  {harmless(now.words)}{behind}", style="yellow" if now.flow and now.flow.trouble else "dim")
        words.truncate(width - 32, overflow="ellipsis")
        if now.total:
            grid.add_row(words, _bar(min(1.0, now.done / now.total), 20, ACCENT), Text(f"{now.done / now.total:4.0%}"))
        else:
            grid.add_row(words)
        return grid


def sparkline(values: list[float], top: float, height: int) -> list[str]:
    """Columns of eighths, `height` lines, the highest line first."""
    eighths = [round(value / top * height * 8) if top > 0 else 0 for value in values]
    return [
        "".join(TICKS[min(8, max(0, eighth - 8 * level))] for eighth in eighths) for level in reversed(range(height))
    ]


def _bar(share: float, width: int, style: str) -> Text:
    full, rest = divmod(round(share * width * 8), 8)
    partial = "▏▎▍▌▋▊▉"[rest - 1] if rest else ""
    bar = Text("█" * full + partial, style=style)
    bar.append("·" * (width - len(bar)), style="dim")
    return bar


def _lag(flow: Flow, width: int, height: int) -> Panel:
    grid = Table.grid(padding=(0, 1))
    inner = width - 4
    bar_width = max(6, inner - 16)
    grid.add_column(width=4, style="dim")
    grid.add_column(width=bar_width)
    grid.add_column(width=10, justify="right")
    rows = sorted(flow.lag.items())
    if len(rows) > MOST_PARTITIONS:
        rest = sum(lag for _, lag in rows[MOST_PARTITIONS - 1 :])
        rows = [*rows[: MOST_PARTITIONS - 1], (-1, rest)]
    most = max((lag for _, lag in rows), default=0)
    for partition, lag in rows:
        name = f"p{partition}" if partition >= 0 else "rest"
        grid.add_row(name, _bar(lag / most if most else 0.0, bar_width, "yellow"), f"{lag:,}")
    title = f"lag   {sum(flow.lag.values()):,}"
    return Panel(
        grid, title=title, title_align="left", box=box.ROUNDED, border_style="dim", width=width, height=height + 2
    )


def _outcome(result: DemoResult, width: int) -> Group:
    left = width // 2
    row = Table.grid()
    row.add_column(width=left)
    row.add_column(width=width - left)
    row.add_row(_figures(result, left), _funnel(result.analytics.all_time, width - left))
    verdict = result.verification
    if result.ok:
        words = f"verify ok: {verdict.sessions_stored:,} sessions are what their {verdict.events:,} events say"
        return Group(row, Text(f" ● {words}", style="green"))
    faults = f"{verdict.missing:,} missing, {verdict.unexpected:,} unexpected, {verdict.different:,} different"
    words = result.unaccounted or f"verify failed: {faults}"
    return Group(row, Text(f" ✖ {words}", style="bold red"))


def _figures(result: DemoResult, width: int) -> Panel:
    grid = Table.grid(padding=(0, 1))
    grid.add_column(style="dim")
    grid.add_column(justify="right")
    for name, value in (
        ("events stored", f"{result.events:,}"),
        ("duplicates dropped", f"{result.duplicates:,}"),
        ("rejected", f"{result.rejected:,}"),
        *([] if result.documents is None else [("documents indexed", f"{result.documents:,}")]),
        ("took", seconds(result.seconds)),
        ("speed", number(result.events_per_second, unit=" events/s")),
    ):
        grid.add_row(name, Text(value, style="bold"))
    return Panel(grid, title="what came out", title_align="left", box=box.ROUNDED, border_style="dim", width=width)


def _funnel(funnel: Funnel, width: int) -> Panel:
    grid = Table.grid(padding=(0, 1))
    bar_width = max(6, width - 4 - 21)
    grid.add_column(width=8, style="dim")
    grid.add_column(width=bar_width)
    grid.add_column(justify="right")
    for name, count in (
        ("sessions", funnel.sessions),
        ("carts", funnel.cart_sessions),
        ("bought", funnel.purchase_sessions),
    ):
        share = count / funnel.sessions if funnel.sessions else 0.0
        grid.add_row(name, _bar(share, bar_width, ACCENT), f"{count:,}")
    rates = Text(f"conversion {funnel.conversion_rate:.2f} %   abandoned {funnel.cart_abandonment:.1f} %", style="bold")
    body = Group(grid, Text(""), rates)
    return Panel(body, title="funnel, all time", title_align="left", box=box.ROUNDED, border_style="dim", width=width)
