"""`config`: the settings."""

from __future__ import annotations

from pathlib import Path

import click

from clickstream.cli import output
from clickstream.cli.ask import confirmed
from clickstream.cli.declare import command, current_settings
from clickstream.cli.diagnostics import ExitCode, print_message
from clickstream.cli.types import FILE, FOLDER


@command("config show")
def show(as_json: bool) -> int:
    from clickstream.actions.config import show as config_show

    found = config_show.show(current_settings())
    if as_json:
        output.write_json({one.name: {"value": one.value, "source": one.source, "secret": one.secret} for one in found})
    else:
        rows = [(one.name, one.value or "", one.source) for one in found]
        output.write([output.Table(("variable", "value", "source"), rows, drop=("source",), wrap=("value",))])
    return ExitCode.DONE


@command("config check")
def check(as_json: bool) -> int:
    from clickstream.actions.config import check as config_check

    found = config_check.check(current_settings())
    ok = all(one.state != config_check.FAILED for one in found)
    if as_json:
        output.write_json({"ok": ok, "checks": found})
    else:
        rows = [(one.name, one.state, one.message) for one in found]
        cures = [output.TextLine(f"{one.name}: {one.hint}") for one in found if one.hint]
        table = output.Table(("check", "state", "found"), rows, wrap=("found",))
        output.write([table, *([output.TextLine("")] if cures else []), *cures])
    return ExitCode.DONE if ok else ExitCode.FAILED


@command("config generate")
@click.option("-f", "--force", is_flag=True, help="Replace files that exist, without asking.")
@click.option(
    "--terraform-dir",
    type=FOLDER,
    default=Path("terraform"),
    metavar="D",
    show_default=True,
    help="Where terraform was run.",
)
@click.option(
    "--output", "env_file", type=FILE, default=Path(".env"), metavar="F", show_default=True,
    help="The file to write; the certificates go to certs/ beside it.",
)  # fmt: skip
def generate(force: bool, terraform_dir: Path, env_file: Path, as_json: bool) -> int:
    from clickstream.actions.config import generate as config_generate

    plan = config_generate.plan(terraform_dir, env_file)
    if existing := plan.existing:
        does = f"replaces {', '.join(map(str, existing))}"
        if not confirmed(f"This {does}.", yes=force, does=does, undone="written", flag="-f"):
            return ExitCode.FAILED
    made = config_generate.generate(plan)
    files = [str(path) for path in (made.env_file, *made.certificates)]
    if as_json:
        output.write_json(
            {
                "scenario": made.scenario,
                "opensearch": made.opensearch,
                "origin": made.origin,
                "env_file": files[0],
                "certificates": files[1:],
                "instance": made.instance,
            }
        )
        return ExitCode.DONE
    print_message(f"written: {', '.join(files)} ({made.scenario}, from {made.origin})")
    if made.instance:
        print_message("these servers are reached from the instance only; copy the files there:")
        print_message(f"  scp -rp {made.env_file} {plan.certs} ubuntu@{made.instance}:clickstream/")
    else:
        print_message("`clickstream config check` tries them")
    return ExitCode.DONE
