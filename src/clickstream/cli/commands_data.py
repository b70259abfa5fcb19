"""Commands for the data file, and the one that empties everything."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import activity, output
from clickstream.cli.ask import confirmed
from clickstream.cli.diagnostics import ExitCode, say


def generate(args: Namespace) -> int:
    from clickstream.actions.generate import generate as action
    from clickstream.config.settings import load_settings
    from clickstream.domain.errors import ClickstreamError

    path = args.file or load_settings().pipeline.data_file
    if path.exists() and not args.force:
        raise ClickstreamError(f"{path} is there already", hint="--force replaces it; --file names another place")
    made = action(path, seed=args.seed, progress=lambda done, total: activity.say(f"generating {path}", done, total))
    if args.json:
        output.write_json({name: getattr(made, name) for name in ("path", "rows", "size_bytes", "seconds", "seed")})
    else:
        say(f"{made.path}: {made.rows:,} rows, {made.size_bytes / 1e6:,.1f} MB, in {made.seconds:.1f} s")
    return ExitCode.DONE


def info(args: Namespace) -> int:
    from clickstream.actions.data_info import describe
    from clickstream.config.settings import load_settings

    found = describe(args.file or load_settings().pipeline.data_file)
    if args.json:
        output.write_json(found)
        return ExitCode.DONE
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in found.kinds.items())
    lines = [
        f"file        {found.path}, {found.bytes / 1e6:,.1f} MB, {'' if found.sorted else 'not '}sorted by time",
        f"rows        {found.rows:,}: {kinds}",
        f"visitors    {found.visitors:,}",
        f"items       {found.items:,}",
        f"duplicates  {found.duplicates:,}",
        f"span        {found.first_event or '?'} to {found.last_event or '?'}",
        f"bad lines   {found.bad_lines:,}",
        *(f"  line {bad.line}: {bad.reason}" for bad in found.first_bad_lines),
    ]
    output.write([output.Line(line) for line in lines])
    return ExitCode.DONE


def reset(args: Namespace) -> int:
    from clickstream.actions.reset import reset as action
    from clickstream.actions.servers import kafka_of, postgres_of
    from clickstream.config.settings import load_settings

    settings = load_settings()
    kafka, postgres = kafka_of(settings), postgres_of(settings)
    search = settings.opensearch
    index = f", index {search.events_index} on {search.host}:{search.port}" if search.enabled else ""
    what = (
        f"This deletes topic {kafka.events_topic} on {kafka.bootstrap_servers}{index} and every row of schema "
        f"{postgres.schema_name} on {postgres.host}:{postgres.port}/{postgres.database}."
    )
    if not confirmed(what, yes=args.yes):
        return ExitCode.FAILED
    emptied = action(settings)
    if args.json:
        output.write_json(emptied)
    else:
        say(emptied.line)
    return ExitCode.DONE
