"""What the commands do that move offsets and partitions; as commands_run.py does the others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.domain.errors import UsageError

if TYPE_CHECKING:
    from clickstream.tui.jobs import Job


def consumer_rewind(job: Job) -> str:
    from clickstream.actions import rewind as action

    text = str(job.arguments["text"])
    place, word, number = text.partition("--partition")
    if word and not number.strip().isdecimal():
        raise UsageError(f"{text!r} names no partition", hint="--partition 2")
    target = action.target_of(place)
    job.say(f"moving offsets to {place.strip()}")
    found = action.rewind(job.settings, target, partition=int(number) if word else None, may_skip=True)
    return f"offsets moved: {found.again:,} messages are read again, {found.skipped:,} are skipped"


def topic_resize(job: Job) -> str:
    from clickstream.actions import topic

    text = str(job.arguments["text"])
    if not text.isdecimal():
        raise UsageError(f"{text!r} is not a number of partitions", hint="give a whole number")
    job.say(f"giving the topic {text} partitions")
    found = topic.resize(job.settings, int(text))
    return f"{found.topic}: {found.before} → {found.now} partitions; consumer start runs one more for each"
