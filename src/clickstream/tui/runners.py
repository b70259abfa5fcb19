"""The function that each command runs in its job's thread: calls the action and returns its result as a sentence.

Actions load when they are run: the dashboard opens without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.domain.errors import ClickstreamError, Interrupted, UsageError
from clickstream.tui.benchmarks import BenchmarkProgress

if TYPE_CHECKING:
    from clickstream.actions.benchmark.run import Run
    from clickstream.actions.demo.progress import DemoProgress
    from clickstream.actions.faults.timeline import Step
    from clickstream.actions.observe.model import Severity
    from clickstream.actions.stack import Download
    from clickstream.tui.jobs import Job


def demo(job: Job) -> str:
    from clickstream.actions.demo.run import DemoOptions
    from clickstream.actions.demo.run import demo as action
    from clickstream.actions.observe.model import BAD, GOOD, INFO, JournalEntry

    def show(now: DemoProgress) -> None:
        flow = now.flow
        if flow is None:
            job.report(f"demo: {now.words}", now.done, now.total)
        else:
            words = f"waiting: {flow.trouble}" if flow.trouble else f"{flow.read:,} of {flow.to_produce:,} read"
            job.report(f"demo: {words}", min(flow.read, flow.to_produce), flow.to_produce)
        if now.note:
            publish(job, INFO, now.words)

    publish(job, INFO, "demo started", mark=True)
    result = action(job.settings, job.arguments.get("options") or DemoOptions(), show)
    job.source.verified(result.verification)
    sentence = (
        f"{result.events:,} events, {result.sessions:,} sessions, {result.duplicates:,} duplicates dropped, "
        f"{result.events_per_second:,.0f} events/s"
    )
    if not result.ok:
        raise ClickstreamError(f"not everything adds up: {result.unaccounted or 'verify found differences'}")
    level = GOOD if result.ok else BAD
    job.source.publish([JournalEntry(_now(), level, f"demo done, verify ok: {sentence}", mark=True)])
    return f"demo done, verify ok: {sentence}"


def stack_up(job: Job) -> str:
    from clickstream.actions import stack
    from clickstream.actions.observe.model import BAD, TITLES, JournalEntry

    def downloading(now: Download) -> None:
        job.report(f"downloading {TITLES[now.product]}, once", now.bytes_done, now.bytes_total)

    job.report("starting Kafka, PostgreSQL and Valkey")
    found = stack.up(job.settings.home, progress=downloading)
    if found.warning:
        job.source.publish([JournalEntry(_now(), BAD, found.warning)])
    return found.summary()


def stack_down(job: Job) -> str:
    from clickstream.actions import stack

    job.report("stopping everything, workers first")
    return stack.down(job.settings.home).summary()


def stack_reset(job: Job) -> str:
    from clickstream.actions import stack

    return stack.reset(job.settings.home).summary()


def verify(job: Job) -> str:
    from clickstream.actions.observe.model import BAD, GOOD
    from clickstream.actions.verify import sessions as action

    job.report("verify: computing every session again, in SQL")
    found = action.verify(job.settings)
    if job.cancelled:
        raise Interrupted("verify was cancelled")
    job.source.verified(found)
    if not found.ok:
        faults = f"{found.missing:,} missing, {found.unexpected:,} unexpected, {found.different:,} different"
        publish(job, BAD, f"verify failed: {faults}", mark=True)
        raise ClickstreamError(f"sessions differ: {faults}, {found.duplicate_events:,} events doubled")
    words = f"verify ok: {found.sessions_stored:,} sessions are what their {found.events:,} events say"
    if found.skipped_messages:
        words += f"; {found.skipped_messages:,} messages were never read"
    words += _index_verified(job)
    publish(job, GOOD, words, mark=True)
    return words


def consumer_start(job: Job) -> str:
    from clickstream.actions.processes import consumers

    job.report("starting consumers")
    return consumers.start(job.settings).summary()


def consumer_stop(job: Job) -> str:
    from clickstream.actions.processes import consumers

    job.report("stopping the consumers")
    return consumers.stop(job.settings).summary()


def consumer_restart(job: Job) -> str:
    from clickstream.actions.processes import consumers

    job.report("restarting the consumers, one after the other")
    restarted = consumers.restart(
        job.settings, on_restart=lambda one: job.report(f"{one.name} restarted; the next one follows")
    )
    return f"{', '.join(one.name for one in restarted)} restarted"


def consumer_scale(job: Job) -> str:
    from clickstream.actions.processes.consumers import scale

    text = str(job.arguments.get("count", job.arguments.get("text")))
    if not text.isdecimal():
        raise UsageError(f"{text!r} is not a number of consumers", hint="give a whole number")
    wanted = int(text)
    job.report(f"scaling to {wanted} consumers")
    return scale(job.settings, wanted).summary()


def producer_start(job: Job) -> str:
    from clickstream.actions.processes import producers
    from clickstream.domain.pace import Pace

    job.report("starting the producer")
    file = job.settings.pipeline.data_file
    producers.start(job.settings, producers.SendingRun(file, pace=Pace(rate=job.arguments.get("rate"))))
    return f"the producer sends {file}"


def producer_stop(job: Job) -> str:
    from clickstream.actions.processes import producers

    job.report("stopping the producer")
    return producers.stop(job.settings).summary()


def producer_pause(job: Job) -> str:
    from clickstream.actions.processes import producers

    job.report("pausing the producer")
    return producers.summary(producers.pause(job.settings))


def producer_resume(job: Job) -> str:
    from clickstream.actions.processes import producers

    job.report("resuming the producer")
    return producers.summary(producers.resume(job.settings))


def producer_pace(job: Job) -> str:
    from clickstream.actions.processes import producers
    from clickstream.domain.pace import Pace

    pace = Pace.of(str(job.arguments["text"]))
    job.report("changing the producer's pace")
    return producers.summary(producers.set_pace(job.settings, pace))


def data_generate(job: Job) -> str:
    from clickstream.actions.data.generate import generate

    path = job.settings.pipeline.data_file
    if path.exists():
        raise ClickstreamError(f"{path} is there already", hint="move it away first")
    return generate(path, progress=lambda done, total: job.report(f"generating {path}", done, total)).summary()


def data_info(job: Job) -> str:
    from clickstream.actions.data.info import describe

    job.report(f"reading {job.settings.pipeline.data_file}")
    return describe(job.settings.pipeline.data_file).summary()


def data_reset(job: Job) -> str:
    from clickstream.actions.reset import reset

    job.report("emptying topic, tables and cache")
    return reset(job.settings).summary()


def rejects_replay(job: Job) -> str:
    from clickstream.actions.rejects import replay as action

    ids = job.arguments.get("ids")
    job.report("sending rejects again")
    if ids:
        found = action.replay(job.settings, ids, corrected=job.arguments.get("corrected"))
    else:
        found = action.replay_all(
            job.settings, progress=lambda done: job.report(f"replaying: {done:,} looked at", done)
        )
    if found.refused and not found.replayed:
        first = found.refused[0]
        why = f"{first.id} is not an event: {first.reason}" if ids else f"no event among {len(found.refused):,} rejects"
        raise ClickstreamError(why, hint="m edits one")
    left = f", {len(found.refused):,} are still not events" if found.refused else ""
    return f"{_rejects(len(found.replayed))} sent again{left}"


def rejects_discard(job: Job) -> str:
    from clickstream.actions.rejects import replay as action

    ids = job.arguments.get("ids")
    job.report("removing rejects")
    return f"{_rejects(action.discard(job.settings, ids) if ids else action.discard_all(job.settings))} removed"


def worker_stop(job: Job) -> str:
    from clickstream.actions.processes import by_name

    name = job.arguments["name"]
    job.report(f"stopping {name}")
    return by_name.stop(job.settings, name).summary()


def worker_restart(job: Job) -> str:
    from clickstream.actions.processes import by_name

    name = job.arguments["name"]
    job.report(f"restarting {name}")
    return by_name.restart(job.settings, name).summary()


def worker_kill(job: Job) -> str:
    from clickstream.actions.processes import by_name

    return by_name.kill(job.settings, job.arguments["name"]).summary()


def worker_freeze(job: Job) -> str:
    from clickstream.actions.observe.model import WARN
    from clickstream.actions.processes import by_name

    found = by_name.freeze(job.settings, job.arguments["name"], frozen=True)
    publish(job, WARN, f"{found.name} was frozen", mark=True)
    return found.summary()


def worker_thaw(job: Job) -> str:
    from clickstream.actions.observe.model import INFO
    from clickstream.actions.processes import by_name

    found = by_name.freeze(job.settings, job.arguments["name"], frozen=False)
    publish(job, INFO, found.summary(), mark=True)
    return found.summary()


def benchmark(job: Job) -> str:
    from clickstream.actions.benchmark.series import Options, cases
    from clickstream.actions.benchmark.series import benchmark as action
    from clickstream.actions.observe.model import BAD, GOOD

    progress = job.found = BenchmarkProgress(tuple(cases(Options())))

    def say(words: str, done: int, total: int) -> None:
        number = min(len(progress.runs) + 1, len(progress.plan))
        job.report(f"benchmark, run {number} of {len(progress.plan)}: {words}", done, total)

    def ended(run: Run) -> None:
        progress.runs.append(run)
        publish(job, GOOD if run.verified else BAD, f"benchmark: {_run_words(run)}", mark=True)

    record = action(job.settings, Options(), say, ended, lambda: job.cancelled)
    if not all(run.verified for run in record.runs):
        raise ClickstreamError("verify found differences", hint="`clickstream benchmark show` has all figures")
    fastest = max(record.runs, key=lambda run: run.events_per_second)
    return f"benchmark done, fastest: {_run_words(fastest)}"


def _run_words(run: Run) -> str:
    partitions = f"{run.partitions} partition{'s' * (run.partitions > 1)}"
    verdict = "verify ok" if run.verified else "verify failed"
    rate, ratio = f"{run.events_per_second:,.0f} events/s", f"{run.ratio_to_copy_limit:.2f} of the copy limit"
    return f"{partitions}, {rate}, {ratio}, {verdict}"


def faults_inject(job: Job) -> str:
    from clickstream.actions.faults.inject import inject
    from clickstream.actions.observe.model import JournalEntry

    name = str(job.arguments.get("name", ""))
    if not name:
        raise UsageError("no fault was chosen", hint="K opens the menu")

    def publish_step(step: Step) -> None:
        words = str(step) if step.on_timeline else f"{name}: {step}"
        job.source.publish([JournalEntry(step.at, step.level, words, mark=step.on_timeline)])
        job.report(f"{name}: {step.what}")

    job.report(f"{name}: looking how things stand")
    seconds = job.arguments.get("seconds")
    found = inject(job.settings, name, seconds=seconds, note=publish_step, tick=lambda: job.report(job.words))
    if found.proof is not None:
        job.source.verified(found.proof.verification)
    if not found.ok:
        raise ClickstreamError(found.line)
    return f"{name}: {found.line}"


def consumer_rewind(job: Job) -> str:
    from clickstream.actions import rewind as action
    from clickstream.domain.target import Target

    text = str(job.arguments["text"])
    place, word, number = text.partition("--partition")
    if word and not number.strip().isdecimal():
        raise UsageError(f"{text!r} does not name a partition", hint="--partition 2")
    target = Target.of(place)
    job.report(f"moving offsets to {place.strip()}")
    found = action.rewind(job.settings, target, partition=int(number) if word else None, may_skip=True)
    return found.summary()


def topic_resize(job: Job) -> str:
    from clickstream.actions import topic

    text = str(job.arguments["text"])
    if not text.isdecimal():
        raise UsageError(f"{text!r} is not a number of partitions", hint="give a whole number")
    job.report(f"giving the topic {text} partitions")
    return topic.resize(job.settings, int(text)).summary()


def opensearch_init(job: Job) -> str:
    from clickstream.actions.opensearch import init as action

    found = action.init(job.settings, lambda words: job.report(f"opensearch init: {words}"))
    words = f"the index {found.index} holds {found.documents:,} documents"
    if not found.imported:
        return f"{words}; {action.NO_DASHBOARDS}"
    return f"{words}; {len(found.imported)} objects imported: open {found.pages[0]}"


def _index_verified(job: Job) -> str:
    """Hold the index against PostgreSQL; the verdict as words, empty where OpenSearch is not enabled.

    Raises:
        ClickstreamError: they differ.
    """
    if not job.settings.opensearch.enabled:
        return ""
    from clickstream.actions.observe.model import BAD, JournalEntry
    from clickstream.actions.verify import index as action

    job.report("verify: holding the index against PostgreSQL")
    found = action.verify_index(job.settings)
    if found.ok:
        return f"; every one is in the index {found.index}"
    faults = f"{found.missing:,} missing, {found.unexpected:,} unexpected, {found.different:,} different"
    waiting = f"; {found.behind:,} messages wait to be indexed" if found.behind else ""
    job.source.publish([JournalEntry(_now(), BAD, f"verify failed: index: {faults}{waiting}", mark=True)])
    raise ClickstreamError(f"the sessions are right, and the index differs: {faults}{waiting}")


def publish(job: Job, level: Severity, text: str, *, mark: bool = False) -> None:
    """A line under "what happened"."""
    from clickstream.actions.observe.model import JournalEntry

    job.source.publish([JournalEntry(_now(), level, text, mark=mark)])


def _now() -> float:
    import time

    return time.time()


def _rejects(count: int) -> str:
    return f"{count:,} reject{'' if count == 1 else 's'}"
