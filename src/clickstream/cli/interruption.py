"""What Ctrl+C leaves behind, by command: one sentence on what was undone and what goes on running."""

from __future__ import annotations

from clickstream.cli.diagnostics import say

NOTHING_CHANGED = "nothing was changed, and what runs goes on running"

SENTENCES = {
    "demo": "the demo's workers are stopped, what they stored stays; the servers go on running"
    " (`clickstream stack down` stops the embedded ones)",
    "benchmark": "nothing stays of this run, and the servers go on running; `clickstream benchmark show` has the runs"
    " before it",
    "stack up": "servers that were told to start go on starting; `clickstream stack down` stops them",
    "stack down": "what was told to stop goes on stopping; `clickstream stack status` shows what runs",
    "stack reset": "part of the data may be gone; `clickstream stack reset` removes the rest",
    "consumer start": "consumers that were told to start go on running; `clickstream consumer stop` stops them",
    "consumer stop": "consumers that were told to stop go on stopping, the others go on running",
    "consumer restart": "the consumer that was under way may be stopped (`clickstream consumer start` starts it);"
    " the others go on running",
    "consumer scale": "consumers that were told to start or to stop go on doing so; `clickstream consumer list` shows"
    " them",
    "consumer rewind": "either nothing was changed or all offsets were; `clickstream topic show` shows them",
    "producer start": "a producer that was told to start goes on sending; `clickstream producer stop` stops it",
    "producer stop": "a producer that was told to stop goes on stopping",
    "producer pace": "the producer goes on, at the old pace or the new one",
    "producer pause": "the producer goes on running; `clickstream producer status` says whether it pauses",
    "producer resume": "the producer goes on running; `clickstream producer status` says whether it pauses",
    "topic resize": "Kafka may have made the partitions already; `clickstream topic show` shows them",
    "data generate": "nothing is left of the file, and what runs goes on running",
    "data reset": "it may be done in part: no consumer starts until the next `clickstream data reset` has finished it",
    "config generate": "each file is the old one or the new one",
    "rejects replay": "what was replayed stays replayed, the others wait; what runs goes on running",
    "rejects discard": "what was discarded is gone, the others wait; what runs goes on running",
    "opensearch init": "the index may be there already; `clickstream opensearch init` makes what is missing",
    "faults inject": "the fault was taken back, and what runs goes on running",
    "worker consumer": "what it had read is stored; its partitions are free for another one",
    "worker indexer": "what it had read is indexed or left to the next one; its partitions are free for another one",
    "worker producer": "what it had sent is acknowledged, the rest of the file was not sent",
    "worker stop": "a process that was told to stop goes on stopping",
    "worker restart": "the process may be stopped; `clickstream worker restart` starts it",
    "metrics": "no figures are served any more; the pipeline goes on running",
    "serve": "the dashboard is no longer served; the pipeline goes on running",
}
"""By the command's words. All others change nothing."""


def sentence(command: str) -> str:
    """Args: command: such as `stack up`."""
    return SENTENCES.get(command, NOTHING_CHANGED)


def tell(command: str) -> None:
    """Say it."""
    say(f"interrupted: {sentence(command)}")
