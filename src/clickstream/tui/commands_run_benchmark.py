"""What the benchmark's command does, in its job's thread: each run that ends is a line under "what happened"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.domain.errors import ClickstreamError
from clickstream.tui.benchmarks import Progress
from clickstream.tui.commands_run import tell

if TYPE_CHECKING:
    from clickstream.actions.benchmark.run import Run
    from clickstream.tui.jobs import Job


def benchmark(job: Job) -> str:
    from clickstream.actions.benchmark.series import Options, cases
    from clickstream.actions.benchmark.series import benchmark as action
    from clickstream.actions.observe.model import BAD, GOOD

    progress = job.found = Progress(tuple(cases(Options())))

    def say(words: str, done: int, total: int) -> None:
        number = min(len(progress.runs) + 1, len(progress.plan))
        job.say(f"benchmark, run {number} of {len(progress.plan)}: {words}", done, total)

    def ended(run: Run) -> None:
        progress.runs.append(run)
        tell(job, GOOD if run.verified else BAD, f"benchmark: {_words(run)}", mark=True)

    record = action(job.settings, Options(), say, ended, lambda: job.cancelled)
    if not all(run.verified for run in record.runs):
        raise ClickstreamError("verify found differences", hint="`clickstream benchmark show` has all figures")
    fastest = max(record.runs, key=lambda run: run.events_per_second)
    return f"benchmark done, fastest: {_words(fastest)}"


def _words(run: Run) -> str:
    partitions = f"{run.partitions} partition{'s' * (run.partitions > 1)}"
    verdict = "verify ok" if run.verified else "verify failed"
    rate, ratio = f"{run.events_per_second:,.0f} events/s", f"{run.ratio_to_copy_limit:.2f} of the copy limit"
    return f"{partitions}, {rate}, {ratio}, {verdict}"
