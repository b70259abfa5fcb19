"""Every command that the dashboard knows, under its CLI name: what it does, how weighty it is, where its answer shows.

Keys, palette and help are made from this list; nothing is named twice. The doing is in commands_run.py.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from textual.binding import Binding

from clickstream.tui import commands_run as run
from clickstream.tui import commands_run_benchmark as bench
from clickstream.tui import commands_run_faults as faults
from clickstream.tui import commands_run_offsets as offsets
from clickstream.tui import commands_run_opensearch as opensearch

if TYPE_CHECKING:
    from clickstream.tui.jobs import Job


class Weight(Enum):
    """What stands before a command."""

    LIGHT = "light"
    """Nothing: it can be undone, or does no harm."""
    ASK = "ask"
    """A question; Cancel is chosen first."""
    TYPE = "type"
    """A question that is answered by typing the command's last word."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    """As the command line has it."""
    summary: str
    """What it does, as a half sentence without a full stop."""
    run: Callable[[Job], str] | None = None
    """In a thread; returns what came of it in a sentence. None: the screen `opens` is the answer."""
    opens: str = ""
    """The mode whose screen shows the answer; empty: a notice does."""
    changes: bool = False
    """It changes something: not offered in read-only mode."""
    cancellable: bool = False
    """It takes long, says how far it is, and ends in good order when it is cancelled."""
    weight: Weight = Weight.LIGHT
    warning: str = ""
    """What will be lost or end, where there is a question before it."""
    prompt: str = ""
    """What to ask for, where it needs a text: its argument `text`."""
    menu: bool = False
    """The menu of faults comes first, where none was chosen yet."""


COMMANDS: tuple[Command, ...] = (
    Command("demo", "run the whole pipeline and show it", run.demo, "overview", changes=True, cancellable=True),
    Command("stack up", "start Kafka, PostgreSQL and Valkey", run.stack_up, changes=True, cancellable=True),
    Command(
        "stack down", "stop the servers, workers first; all data stays", run.stack_down, changes=True,
        weight=Weight.ASK, warning="Every process of this home ends: workers first, then the servers. All data stays.",
    ),
    Command("stack status", "how the servers stand", opens="workers"),
    Command("stack env", "how other tools reach the servers", opens="settings"),
    Command(
        "stack reset", "remove the servers' data for good", run.stack_reset, changes=True,
        weight=Weight.TYPE, warning="All data of this home's embedded servers is removed for good.",
    ),
    Command("status", "everything at a glance", opens="overview"),
    Command("lag", "how far behind each partition is", opens="partitions"),
    Command("analytics", "the funnel and the top items", opens="funnel"),
    Command("sessions show", "one visitor's sessions and events", opens="funnel"),
    Command("verify", "recompute all sessions in SQL and compare", run.verify, cancellable=True),
    Command("topic show", "the topic's partitions and offsets", opens="partitions"),
    Command(
        "topic resize", "give the topic more partitions", offsets.topic_resize, "partitions", changes=True,
        weight=Weight.ASK, warning="Kafka cannot take partitions away again.", prompt="How many partitions in all?",
    ),
    Command("consumer start", "start consumers, one a partition", run.consumer_start, changes=True),
    Command(
        "consumer stop", "stop all consumers", run.consumer_stop, changes=True,
        weight=Weight.ASK, warning="All consumers of this home stop. Nothing is lost: messages wait in Kafka.",
    ),
    Command("consumer restart", "restart all consumers", run.consumer_restart, changes=True),
    Command(
        "consumer scale", "have so many consumers run", run.consumer_scale, changes=True, prompt="How many consumers?"
    ),
    Command(
        "consumer rewind", "have consumers read messages again, or skip them", offsets.consumer_rewind, "partitions",
        changes=True, weight=Weight.ASK,
        warning="Back: messages are read again, and nothing is stored twice. Forward: messages are skipped, never read,"
        " and the gap is recorded.",
        prompt="Where to: earliest, latest, an offset, a time (2026-11-25T08:30) or Unix ms (1430622004384ms);"
        " with --partition N only that one:",
    ),
    Command("consumer list", "list consumers", opens="workers"),
    Command("consumer logs", "what the consumers log", opens="logs"),
    Command("producer start", "send the file's events to Kafka", run.producer_start, changes=True),
    Command("producer stop", "stop the producer", run.producer_stop, changes=True),
    Command("producer pause", "have the producer send nothing more until it resumes", run.producer_pause, changes=True),
    Command("producer resume", "have a paused producer go on", run.producer_resume, changes=True),
    Command(
        "producer pace",
        "have the producer send at another pace",
        run.producer_pace,
        changes=True,
        prompt="Events a second (500), times as fast as it happened (5x), or full:",
    ),
    Command("producer status", "how far the producer is", opens="overview"),
    Command("producer logs", "what the producer logs", opens="logs"),
    Command("data generate", "make a data file", run.data_generate, changes=True, cancellable=True),
    Command("data info", "describe the data file", run.data_info),
    Command(
        "data reset", "empty topic, tables, cache and index", run.data_reset, changes=True,
        weight=Weight.TYPE,
        warning="The topic is deleted and recreated; every stored row and every rejected line is removed for good.",
    ),
    Command("rejects list", "what was put aside, and why", opens="rejects"),
    Command("rejects show", "one reject, whole", opens="rejects"),
    Command(
        "rejects replay", "send again what is an event now", run.rejects_replay, "rejects", changes=True,
        cancellable=True,
    ),
    Command(
        "rejects discard", "remove all rejects that were not replayed", run.rejects_discard, "rejects", changes=True,
        weight=Weight.ASK, warning="Every reject that was not replayed, messages and lines, is removed for good.",
    ),
    Command(
        "benchmark", "measure how fast events are stored", bench.benchmark, "benchmark", changes=True, cancellable=True,
        weight=Weight.ASK,
        warning="Three runs of a million events, with one, two and three partitions, in a topic and a schema of their"
        " own, which are removed afterwards. The machine will be busy, and no worker may run meanwhile.",
    ),
    Command("faults list", "what can be broken on purpose", faults.faults_inject, menu=True),
    Command(
        "faults inject", "break something, and prove that nothing was lost", faults.faults_inject, "overview",
        changes=True, cancellable=True, menu=True,
    ),
    Command(
        "opensearch init", "make OpenSearch's index, and import the dashboards where there is OpenSearch Dashboards",
        opensearch.opensearch_init, changes=True,
    ),
    Command("opensearch search", "search the events in OpenSearch", opens="search"),
    Command("config show", "every setting and where it comes from", opens="settings"),
    Command("config check", "try everything; say what is wrong and the cure", opens="settings"),
)  # fmt: skip
"""What the command line has too."""

FINE = (
    Command("worker stop", "stop the selected worker", run.worker_stop, changes=True),
    Command("worker restart", "restart the selected worker", run.worker_restart, changes=True),
    Command("worker kill", "kill it with SIGKILL; the supervisor starts it again", run.worker_kill, changes=True),
    Command("worker freeze", "have it hang", run.worker_freeze, changes=True),
    Command("worker thaw", "let what hangs go on", run.worker_thaw, changes=True),
)
"""What needs to be told a worker or a number, so that only a screen can start it."""

BY_NAME = {command.name: command for command in (*COMMANDS, *FINE)}


def command_binding(key: str, name: str, label: str = "", *, show: bool = True, priority: bool = False) -> Binding:
    """A key for a command. Its footer word is `label`, or the command's last word; its help is the summary."""
    command = BY_NAME[name]
    return Binding(
        key,
        f"app.command({name!r})",
        label or name.rpartition(" ")[2],
        show=show,
        tooltip=f"{command.summary} ({name})",
        id=f"command.{name.replace(' ', '-')}",
        priority=priority,
    )
