"""Every command, once: its name, summary, example, what it changes, and what Ctrl+C leaves.

The command line, the dashboard's palette and help, README's table and docs/commands.md are made from this list. What a
command needs beyond it stands with its front end: options and output in cli/commands, keys and screens in
tui/commands.py. Imports nothing, so that `--help` loads nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

NOTHING_CHANGED: Final = "nothing was changed, and what runs goes on running"


class Weight(Enum):
    """What the dashboard asks before it runs a command."""

    LIGHT = "light"
    """Nothing: the command can be undone, or does no harm."""
    ASK = "ask"
    """A question; Cancel is chosen first."""
    TYPE = "type"
    """A question that is answered by typing the command's last word."""


@dataclass(frozen=True, slots=True)
class Command:
    """One command."""

    name: str
    """Its words on the command line: `consumer start`."""
    summary: str
    """What it does: a half sentence in the imperative, without a full stop."""
    example: str
    """A whole call, without `clickstream`; it works on the demo's data."""
    details: str = ""
    """More for its help page: what the options do not say."""
    changes: bool = False
    """It changes something: a read-only dashboard does not offer it."""
    weight: Weight = Weight.LIGHT
    warning: str = ""
    """What is lost or ends: the dashboard's question."""
    interrupted: str = NOTHING_CHANGED
    """What Ctrl+C leaves behind: one sentence on what was undone and what goes on running."""


@dataclass(frozen=True, slots=True)
class CommandGroup:
    """The first word of several commands."""

    name: str
    summary: str
    """What the commands are about: a noun phrase."""


GROUPS: Final = (
    CommandGroup("stack", "the embedded servers"),
    CommandGroup("sessions", "stored and open sessions"),
    CommandGroup("topic", "the topic of events"),
    CommandGroup("rejects", "messages and CSV lines that are not events"),
    CommandGroup("faults", "breaking the embedded stack on purpose"),
    CommandGroup("opensearch", "the optional search side"),
    CommandGroup("consumer", "the consumers, one process each"),
    CommandGroup("producer", "the producer"),
    CommandGroup("worker", "single processes: a server or worker of this home, or one in the foreground"),
    CommandGroup("data", "the data file, and what is stored"),
    CommandGroup("config", "the settings"),
)

_FOREGROUND: Final = (
    "In the foreground, without a supervisor, as in a container. Settings come from the environment, the log goes to "
    "stdout; SIGTERM and SIGINT let it finish what it has begun."
)

COMMANDS: Final = (
    Command(
        "demo",
        "run the whole pipeline and show it",
        "demo --limit 100000 --headless",
        details="Starts the embedded servers and the workers that do not run, makes the data file where there is none,"
        " sends it, waits until all of it is stored, verifies it and prints what came out.",
        changes=True,
        interrupted="the demo's workers are stopped, what they stored stays; the servers go on running"
        " (`clickstream stack down` stops the embedded ones)",
    ),
    Command(
        "status",
        "show services, workers, topic, lag and counts",
        "status --watch",
        details="The first line names the home and the servers that this is about. Exit code 1: something that should"
        " work does not.",
    ),
    Command(
        "lag",
        "show how far behind each partition is",
        "lag --watch",
        details="OK: it keeps up. LAGGING: it falls behind. STALLED: it has an owner and nothing is stored. STOPPED: it"
        " has no owner.",
    ),
    Command(
        "watch",
        "print what happens, and a line of figures a second",
        "watch --json",
        details="With --json, every figure of the dashboard, one document a line.",
    ),
    Command("analytics", "show the funnel and the top items", "analytics --detail"),
    Command(
        "verify",
        "recompute all sessions in SQL and compare",
        "verify",
        details="Exit code 1: something differs. Every session is computed again from the stored events. Up to five"
        " examples of each kind of difference are shown, stored beside expected.",
    ),
    Command(
        "sessions list", "list sessions: the newest, the longest, converted or open ones", "sessions list --longest"
    ),
    Command("sessions show", "show one visitor's sessions and events", "sessions show 0"),
    Command("topic show", "show the topic's partitions and offsets", "topic show"),
    Command(
        "topic resize",
        "give the topic more partitions",
        "topic resize 6",
        details="Consumers may run meanwhile; what is stored stays exact. `clickstream consumer start` then starts a"
        " consumer for each new partition.",
        changes=True,
        weight=Weight.ASK,
        warning="Kafka cannot remove partitions later.",
        interrupted="Kafka may have made the partitions already; `clickstream topic show` shows them",
    ),
    Command("rejects list", "list rejects, the newest first, with the reason of each", "rejects list --source csv"),
    Command("rejects show", "show one reject whole, with control characters escaped", "rejects show"),
    Command(
        "rejects replay",
        "send rejects again, as they are or corrected; what is still not an event is not sent",
        "rejects replay --all --reason item_id",
        changes=True,
        interrupted="what was replayed stays replayed, the others wait; what runs goes on running",
    ),
    Command(
        "rejects discard",
        "remove rejects for good, all that were not replayed with --all",
        "rejects discard --all --source csv -y",
        changes=True,
        weight=Weight.ASK,
        warning="Every reject that was not replayed is removed for good, messages and CSV lines.",
        interrupted="what was discarded is gone, the others wait; what runs goes on running",
    ),
    Command(
        "logs", "show what servers and workers log, in the order of time", "logs consumer-0 kafka --level warning -f"
    ),
    Command("psql", "open PostgreSQL's own shell on the configured server", 'psql -c "SELECT count(*) FROM events"'),
    Command(
        "benchmark",
        "measure how fast events are stored, beside what PostgreSQL's COPY alone takes",
        "benchmark --limit 1000000 --partitions 1,3 --runs 3",
        details="In a topic and a schema of its own, which are removed afterwards.",
        changes=True,
        weight=Weight.ASK,
        warning="Three runs of a million events, with one, two and three partitions, in a topic and a schema of their"
        " own, which are removed afterwards. The machine will be busy, and no worker may run meanwhile.",
        interrupted="nothing stays of this run, and the servers go on running; `clickstream benchmark show` has the"
        " earlier runs",
    ),
    Command("benchmark show", "show the benchmarks that were run in this home", "benchmark show --json"),
    Command("faults list", "list the faults, and what should come of each", "faults list"),
    Command(
        "faults inject",
        "break something, see it recover, and prove that nothing was lost",
        "faults inject cut-postgresql --for 15s",
        details="Exit code 1: that could not be proved.",
        changes=True,
        interrupted="the fault was reverted, and what runs goes on running",
    ),
    Command(
        "opensearch init",
        "create the index and its template, and import the dashboards where OpenSearch Dashboards runs",
        "opensearch init",
        changes=True,
        interrupted="the index may exist already; `clickstream opensearch init` makes what is missing",
    ),
    Command(
        "opensearch search",
        "search the events, and show the answer as five charts",
        'opensearch search "event:transaction AND visitor_id:0"',
    ),
    Command(
        "stack up",
        "start Kafka, PostgreSQL and Valkey, and OpenSearch where it is enabled",
        "stack up --opensearch",
        changes=True,
        interrupted="servers that were told to start go on starting; `clickstream stack down` stops them",
    ),
    Command(
        "stack down",
        "stop the servers, workers first; all data stays",
        "stack down",
        changes=True,
        weight=Weight.ASK,
        warning="Every process of this home ends: workers first, then the servers. All data stays.",
        interrupted="what was told to stop goes on stopping; `clickstream stack status` shows what runs",
    ),
    Command("stack status", "show which embedded servers run", "stack status --json"),
    Command(
        "stack env", "print KEY=value lines with which other tools reach the servers, secrets included", "stack env"
    ),
    Command(
        "stack reset",
        "remove the servers' data for good",
        "stack reset -y",
        changes=True,
        weight=Weight.TYPE,
        warning="All data of this home's embedded servers is removed for good.",
        interrupted="part of the data may be gone; `clickstream stack reset` removes the rest",
    ),
    Command(
        "consumer start",
        "start consumers, one a partition unless told otherwise",
        "consumer start --count 2",
        changes=True,
        interrupted="consumers that were told to start go on running; `clickstream consumer stop` stops them",
    ),
    Command(
        "consumer stop",
        "stop consumers; messages wait in Kafka",
        "consumer stop consumer-0",
        changes=True,
        weight=Weight.ASK,
        warning="All consumers of this home stop. Nothing is lost: messages wait in Kafka.",
        interrupted="consumers that were told to stop go on stopping, the others go on running",
    ),
    Command(
        "consumer restart",
        "restart consumers one after the other, the next when the one before has caught up",
        "consumer restart",
        changes=True,
        interrupted="the consumer that was under way may be stopped (`clickstream consumer start` starts it);"
        " the others go on running",
    ),
    Command(
        "consumer scale",
        "run this many consumers: start more, or stop some",
        "consumer scale 3",
        changes=True,
        interrupted="consumers that were told to start or to stop go on doing so; `clickstream consumer list` shows"
        " them",
    ),
    Command(
        "consumer rewind",
        "continue from another offset: read messages again, or skip them",
        "consumer rewind --to earliest",
        details="Safe while consumers run: what is stored already is not stored twice.",
        changes=True,
        weight=Weight.ASK,
        warning="Back: messages are read again, and nothing is stored twice. Forward: messages are skipped, never read,"
        " and the gap is recorded.",
        interrupted="either nothing was changed or all offsets were; `clickstream topic show` shows them",
    ),
    Command("consumer list", "list consumers", "consumer list --json"),
    Command("consumer logs", "show what the consumers log", "consumer logs -f"),
    Command(
        "producer start",
        "send the events of a file to Kafka",
        "producer start --rate 500",
        changes=True,
        interrupted="a producer that was told to start goes on sending; `clickstream producer stop` stops it",
    ),
    Command(
        "producer pause",
        "pause the producer until it is resumed",
        "producer pause",
        changes=True,
        interrupted="the producer goes on running; `clickstream producer status` says whether it pauses",
    ),
    Command(
        "producer resume",
        "let a paused producer continue",
        "producer resume",
        changes=True,
        interrupted="the producer goes on running; `clickstream producer status` says whether it pauses",
    ),
    Command(
        "producer pace",
        "change how fast the producer sends, while it runs",
        "producer pace --rate 2000",
        changes=True,
        interrupted="the producer goes on, at the old pace or the new one",
    ),
    Command(
        "producer stop",
        "stop the producer",
        "producer stop",
        changes=True,
        interrupted="a producer that was told to stop goes on stopping",
    ),
    Command("producer status", "show how far the producer is", "producer status --json"),
    Command("producer logs", "show what the producer logs", "producer logs -f"),
    Command(
        "worker stop",
        "stop one process; what it has begun is finished",
        "worker stop consumer-1",
        changes=True,
        interrupted="a process that was told to stop goes on stopping",
    ),
    Command(
        "worker restart",
        "stop one process and start it again as it was started",
        "worker restart valkey",
        changes=True,
        interrupted="the process may be stopped; `clickstream worker restart` starts it",
    ),
    Command(
        "worker kill",
        "end one process with SIGKILL, as a crash would; its supervisor starts it again",
        "worker kill consumer-0",
        changes=True,
    ),
    Command(
        "worker freeze",
        "freeze one process with SIGSTOP, as if its machine hung",
        "worker freeze postgresql",
        changes=True,
    ),
    Command("worker thaw", "let a frozen process continue", "worker thaw postgresql", changes=True),
    Command(
        "worker consumer",
        "run one consumer until a signal ends it",
        "worker consumer --log-json",
        details=_FOREGROUND,
        interrupted="what it had read is stored; its partitions are free for another one",
    ),
    Command(
        "worker indexer",
        "run one indexer until a signal ends it",
        "worker indexer --log-json",
        details=_FOREGROUND,
        interrupted="what it had read is indexed or left to the next one; its partitions are free for another one",
    ),
    Command(
        "worker producer",
        "run the producer until everything is sent",
        "worker producer --file data/events.csv --rate 500",
        details=_FOREGROUND,
        interrupted="what it had sent is acknowledged, the rest of the file was not sent",
    ),
    Command(
        "worker health",
        "check by its health file whether a worker in the foreground is alive; exit 1 if not",
        "worker health --health-file /tmp/health --within 30s",
    ),
    Command(
        "data generate",
        "generate a data file",
        "data generate --seed 7",
        changes=True,
        interrupted="nothing is left of the file, and what runs goes on running",
    ),
    Command("data info", "describe a data file", "data info --file data/sample.csv"),
    Command(
        "data reset",
        "empty topic, tables, cache and index",
        "data reset -y",
        changes=True,
        weight=Weight.TYPE,
        warning="The topic is deleted and created again; every stored row and every rejected line is removed for good.",
        interrupted="it may be done in part: no consumer starts until `clickstream data reset` has finished it",
    ),
    Command("config show", "show every setting and where it comes from", "config show"),
    Command("config check", "try every setting and server; say what is wrong and how to fix it", "config check"),
    Command(
        "config generate",
        "write .env and certs/ for the servers that Terraform made",
        "config generate --terraform-dir terraform",
        changes=True,
        interrupted="each file is the old one or the new one",
    ),
    Command(
        "metrics",
        "serve the figures to Prometheus, in its text format, until a signal ends it",
        "metrics --port 9464",
        changes=True,
        interrupted="the figures are not served any more; the pipeline goes on running",
    ),
    Command(
        "serve",
        "show the dashboard in a browser on this machine",
        "serve --port 8000",
        interrupted="the web server has stopped; the pipeline goes on running",
    ),
    Command("completion", "print the script that completes commands in a shell", "completion bash"),
)
"""In the order of the help."""

BY_NAME: Final = {command.name: command for command in COMMANDS}
