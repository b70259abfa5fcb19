"""What each command does, in its job's thread: calls the action, returns what came of it in a sentence.

Actions load here, when they are run: the dashboard opens without them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.domain.errors import ClickstreamError, Interrupted, UsageError
from clickstream.tui.commands_run_index import verified as index_verified

if TYPE_CHECKING:
    from clickstream.actions.demo_progress import DemoProgress
    from clickstream.actions.observe.model import Severity
    from clickstream.actions.stack import Download
    from clickstream.tui.jobs import Job


def demo(job: Job) -> str:
    from clickstream.actions.demo import DemoOptions
    from clickstream.actions.demo import demo as action
    from clickstream.actions.observe.model import BAD, GOOD, INFO, Happening

    def show(now: DemoProgress) -> None:
        flow = now.flow
        if flow is None:
            job.say(f"demo: {now.words}", now.done, now.total)
        else:
            words = f"waiting: {flow.trouble}" if flow.trouble else f"{flow.read:,} of {flow.to_produce:,} read"
            job.say(f"demo: {words}", min(flow.read, flow.to_produce), flow.to_produce)
        if now.note:
            tell(job, INFO, now.words)

    tell(job, INFO, "demo started", mark=True)
    result = action(job.settings, job.arguments.get("options") or DemoOptions(), show)
    job.source.verified(result.verification)
    sentence = (
        f"{result.events:,} events, {result.sessions:,} sessions, {result.duplicates:,} duplicates dropped, "
        f"{result.events_per_second:,.0f} events/s"
    )
    if not result.ok:
        raise ClickstreamError(f"not everything adds up: {result.unaccounted or 'verify found differences'}")
    job.source.tell([Happening(_now(), GOOD if result.ok else BAD, f"demo done, verify ok: {sentence}", mark=True)])
    return f"demo done, verify ok: {sentence}"


def stack_up(job: Job) -> str:
    from clickstream.actions import stack
    from clickstream.actions.observe.model import BAD, TITLES, Happening

    def downloading(now: Download) -> None:
        job.say(f"downloading {TITLES[now.product]}, once", now.bytes_done, now.bytes_total)

    job.say("starting Kafka, PostgreSQL and Valkey")
    found = stack.up(job.settings.home, progress=downloading)
    if found.warning:
        job.source.tell([Happening(_now(), BAD, found.warning)])
    return f"{', '.join(found.started)} started" if found.started else "all servers were running already"


def stack_down(job: Job) -> str:
    from clickstream.actions import stack

    job.say("stopping everything, workers first")
    stopped = stack.down(job.settings.home)
    return f"{', '.join(stopped)} stopped" if stopped else "nothing was running"


def stack_reset(job: Job) -> str:
    from clickstream.actions import stack

    stack.reset(job.settings.home)
    return f"removed the embedded servers' data in {job.settings.home.root}"


def verify(job: Job) -> str:
    from clickstream.actions import verify as action
    from clickstream.actions.observe.model import BAD, GOOD

    job.say("verify: computing every session anew, in SQL")
    found = action.verify(job.settings)
    if job.cancelled:
        raise Interrupted("verify was cancelled")
    job.source.verified(found)
    if not found.ok:
        faults = f"{found.missing:,} missing, {found.unexpected:,} unexpected, {found.different:,} different"
        tell(job, BAD, f"verify failed: {faults}", mark=True)
        raise ClickstreamError(f"sessions differ: {faults}, {found.duplicate_events:,} events doubled")
    words = f"verify ok: {found.sessions_stored:,} sessions are what their {found.events:,} events say"
    if found.skipped_messages:
        words += f"; {found.skipped_messages:,} messages were never read"
    words += index_verified(job)
    tell(job, GOOD, words, mark=True)
    return words


def consumer_start(job: Job) -> str:
    from clickstream.actions import consumers

    job.say("starting consumers")
    found = consumers.start(job.settings)
    return f"{', '.join(found.started)} started" if found.started else "all consumers were running already"


def consumer_stop(job: Job) -> str:
    from clickstream.actions import consumers

    job.say("stopping the consumers")
    stopped = consumers.stop(job.settings)
    return f"{', '.join(stopped)} stopped" if stopped else "no consumer was running"


def consumer_restart(job: Job) -> str:
    from clickstream.actions import consumers

    job.say("restarting the consumers, one after the other")
    restarted = consumers.restart(job.settings, told=lambda one: job.say(f"{one.name} restarted; the next one follows"))
    return f"{', '.join(one.name for one in restarted)} restarted"


def consumer_scale(job: Job) -> str:
    from clickstream.actions.scale import scale

    text = str(job.arguments.get("count", job.arguments.get("text")))
    if not text.isdecimal():
        raise UsageError(f"{text!r} is not a number of consumers", hint="give a whole number")
    wanted = int(text)
    job.say(f"scaling to {wanted} consumers")
    found = scale(job.settings, wanted)
    return f"{found.before} → {found.now} consumers"


def producer_start(job: Job) -> str:
    from clickstream.actions import producers

    job.say("starting the producer")
    file = job.settings.pipeline.data_file
    producers.start(job.settings, producers.Run(file, rate=job.arguments.get("rate")))
    return f"the producer sends {file}"


def producer_stop(job: Job) -> str:
    from clickstream.actions import producers

    job.say("stopping the producer")
    found = producers.stop(job.settings)
    if not found.running:
        return "no producer was running"
    return f"producer stopped; Kafka has acknowledged {found.acknowledged:,} of {found.total:,} events"


def producer_pause(job: Job) -> str:
    from clickstream.actions import producers

    job.say("pausing the producer")
    return f"producer paused after {producers.pause(job.settings).events:,} events"


def producer_resume(job: Job) -> str:
    from clickstream.actions import producers

    job.say("resuming the producer")
    producers.resume(job.settings)
    return "the producer goes on"


def producer_pace(job: Job) -> str:
    from clickstream.actions import producers

    text = str(job.arguments["text"]).strip().lower()
    job.say("changing the producer's pace")
    if text == "full":
        producers.pace(job.settings)
        return "the producer sends at full speed"
    if text.endswith("x"):
        producers.pace(job.settings, realtime=text)
        return f"the producer sends {text} as fast as it happened"
    try:
        rate = float(text.removesuffix("/s").replace(",", ""))
    except ValueError:
        raise UsageError(f"{text!r} is no pace", hint="500, 5x or full") from None
    producers.pace(job.settings, rate=rate)
    return f"the producer sends {rate:g} events a second"


def data_generate(job: Job) -> str:
    from clickstream.actions.generate import generate

    path = job.settings.pipeline.data_file
    if path.exists():
        raise ClickstreamError(f"{path} is there already", hint="move it away first")
    made = generate(path, progress=lambda done, total: job.say(f"generating {path}", done, total))
    return f"{made.path}: {made.rows:,} rows in {made.seconds:.1f} s"


def data_info(job: Job) -> str:
    from clickstream.actions.data_info import describe

    job.say(f"reading {job.settings.pipeline.data_file}")
    found = describe(job.settings.pipeline.data_file)
    return (
        f"{found.path}: {found.rows:,} rows, {found.visitors:,} visitors, {found.items:,} items, "
        f"{found.first_event or '?'} to {found.last_event or '?'}, {found.bad_lines:,} bad lines"
    )


def data_reset(job: Job) -> str:
    from clickstream.actions.reset import reset

    job.say("emptying topic, tables and cache")
    return reset(job.settings).line


def rejects_replay(job: Job) -> str:
    from clickstream.actions.rejects import replay as action

    ids = job.arguments.get("ids")
    job.say("sending rejects again")
    if ids:
        found = action.replay(job.settings, ids, mended=job.arguments.get("mended"))
    else:
        found = action.replay_all(job.settings, progress=lambda done: job.say(f"replaying: {done:,} looked at", done))
    if found.refused and not found.replayed:
        first = found.refused[0]
        raise ClickstreamError(
            f"{first.id} is no event: {first.reason}" if ids else f"none of {len(found.refused):,} rejects is an event",
            hint="m mends one",
        )
    left = f", {len(found.refused):,} are no events still" if found.refused else ""
    return f"{_rejects(len(found.replayed))} sent again{left}"


def rejects_discard(job: Job) -> str:
    from clickstream.actions.rejects import replay as action

    ids = job.arguments.get("ids")
    job.say("removing rejects")
    return f"{_rejects(action.discard(job.settings, ids) if ids else action.discard_all(job.settings))} removed"


def worker_stop(job: Job) -> str:
    from clickstream.actions import processes

    name = job.arguments["name"]
    job.say(f"stopping {name}")
    processes.stop(job.settings, name)
    return f"{name} stopped"


def worker_restart(job: Job) -> str:
    from clickstream.actions import processes

    name = job.arguments["name"]
    job.say(f"restarting {name}")
    processes.restart(job.settings, name)
    return f"{name} restarted"


def worker_kill(job: Job) -> str:
    from clickstream.actions.kill import kill

    name = job.arguments["name"]
    return f"{name}: SIGKILL to process {kill(job.settings, name)}"


def worker_freeze(job: Job) -> str:
    from clickstream.actions.kill import freeze
    from clickstream.actions.observe.model import WARN

    name = job.arguments["name"]
    freeze(job.settings, name, frozen=True)
    tell(job, WARN, f"{name} was frozen", mark=True)
    return f"{name} hangs now; K lets it go on"


def worker_thaw(job: Job) -> str:
    from clickstream.actions.kill import freeze
    from clickstream.actions.observe.model import INFO

    name = job.arguments["name"]
    freeze(job.settings, name, frozen=False)
    tell(job, INFO, f"{name} goes on", mark=True)
    return f"{name} goes on"


def tell(job: Job, level: Severity, text: str, *, mark: bool = False) -> None:
    """A line under "what happened"."""
    from clickstream.actions.observe.model import Happening

    job.source.tell([Happening(_now(), level, text, mark=mark)])


def _now() -> float:
    import time

    return time.time()


def _rejects(count: int) -> str:
    return f"{count:,} reject{'' if count == 1 else 's'}"
