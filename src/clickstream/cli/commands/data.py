"""`data`: the data file, and emptying what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from clickstream.cli import activity, output
from clickstream.cli.ask import YES, confirmed
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode
from clickstream.cli.types import FILE, NATURAL


@command("data generate")
@click.option("--file", type=FILE, metavar="F", help="Where; else PRODUCER_DATA_FILE.")
@click.option("--seed", type=NATURAL, default=42, metavar="N", show_default=True, help="The same seed, the same file.")
@click.option("--force", is_flag=True, help="Replace a file that exists.")
def generate(file: Path | None, seed: int, force: bool, as_json: bool) -> int:
    from clickstream.actions.data.generate import generate as action
    from clickstream.domain.errors import ClickstreamError

    path = file or current_settings().pipeline.data_file
    if path.exists() and not force:
        raise ClickstreamError(f"{path} exists already", hint="--force replaces it; --file names another place")
    made = action(path, seed=seed, progress=lambda done, total: activity.report(f"generating {path}", done, total))
    document = {name: getattr(made, name) for name in ("path", "rows", "size_bytes", "seconds", "seed")}
    output.report(made, as_json=as_json, document=document)
    return ExitCode.DONE


@command("data info")
@click.option("--file", type=FILE, metavar="F", help="Which; else PRODUCER_DATA_FILE.")
def info(file: Path | None, as_json: bool) -> int:
    from clickstream.actions.data.info import describe

    found = describe(file or current_settings().pipeline.data_file)
    if as_json:
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
    output.write([output.TextLine(line) for line in lines])
    return ExitCode.DONE


@command("data reset")
@YES
def reset(yes: bool, as_json: bool) -> int:
    from clickstream.actions.reset import reset as action
    from clickstream.actions.servers import kafka_of, postgres_of

    settings = current_settings()
    kafka, postgres = kafka_of(settings), postgres_of(settings)
    search = settings.opensearch
    index = f", index {search.events_index} on {search.host}:{search.port}" if search.enabled else ""
    what = (
        f"This deletes topic {kafka.events_topic} on {kafka.bootstrap_servers}{index} and every row of schema "
        f"{postgres.schema_name} on {postgres.host}:{postgres.port}/{postgres.database}."
    )
    if not confirmed(what, yes=yes):
        return ExitCode.FAILED
    output.report(action(settings), as_json=as_json)
    return ExitCode.DONE
