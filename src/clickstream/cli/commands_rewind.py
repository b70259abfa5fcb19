"""Commands that move offsets and partitions: consumer rewind, topic resize."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import output
from clickstream.cli.ask import confirmed
from clickstream.cli.diagnostics import ExitCode, say


def consumer_rewind(args: Namespace) -> int:
    from clickstream.actions import rewind as action
    from clickstream.config.settings import load_settings

    target, settings = action.target_of(args.to), load_settings()
    planned = action.plan(settings, target, partition=args.partition)
    if planned.skipped:
        what = f"This skips {planned.skipped:,} messages of topic {planned.topic}: they will not be read."
        if not confirmed(what, yes=args.yes, does="skips messages", undone="moved"):
            return ExitCode.FAILED
    found = action.rewind(settings, target, partition=args.partition, may_skip=args.yes or planned.skipped > 0)
    if args.json:
        output.write_json(found)
        return ExitCode.DONE
    for one in found.partitions:
        say(
            f"partition {one.partition}: "
            + (f"stays at {one.after:,}" if one.before == one.after else f"{one.before:,} → {one.after:,}")
        )
    if found.again:
        say(f"{found.again:,} messages are read again; what is stored of them is not stored twice")
    if found.skipped:
        say(f"{found.skipped:,} messages are skipped; `clickstream topic show` lists the gaps")
    return ExitCode.DONE


def topic_resize(args: Namespace) -> int:
    from clickstream.actions import topic as action
    from clickstream.config.settings import load_settings

    found = action.resize(load_settings(), args.partitions)
    if args.json:
        output.write_json(found)
    elif found.before == found.now:
        say(f"topic {found.topic} has {found.now} partitions already")
    else:
        say(f"topic {found.topic}: {found.before} → {found.now} partitions")
        say("`clickstream consumer start` runs one consumer more for each")
    return ExitCode.DONE
