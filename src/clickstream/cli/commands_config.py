"""Commands for the settings."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import output
from clickstream.cli.ask import confirmed
from clickstream.cli.diagnostics import ExitCode, say


def show(args: Namespace) -> int:
    from clickstream.actions.config import show as config_show
    from clickstream.config.settings import load_settings

    found = config_show.show(load_settings())
    if args.json:
        output.write_json({one.name: {"value": one.value, "source": one.source, "secret": one.secret} for one in found})
    else:
        rows = [(one.name, one.value or "", one.source) for one in found]
        output.write([output.Table(("variable", "value", "source"), rows, drop=("source",), wrap=("value",))])
    return ExitCode.DONE


def check(args: Namespace) -> int:
    from clickstream.actions.config import check as config_check
    from clickstream.config.settings import load_settings

    found = config_check.check(load_settings())
    ok = all(one.state != config_check.FAILED for one in found)
    if args.json:
        output.write_json({"ok": ok, "checks": found})
    else:
        rows = [(one.name, one.state, one.message) for one in found]
        cures = [output.Line(f"{one.name}: {one.hint}") for one in found if one.hint]
        table = output.Table(("check", "state", "found"), rows, wrap=("found",))
        output.write([table, *([output.Line("")] if cures else []), *cures])
    return ExitCode.DONE if ok else ExitCode.FAILED


def generate(args: Namespace) -> int:
    from clickstream.actions.config import generate as config_generate

    plan = config_generate.plan(args.terraform_dir, args.output)
    if existing := plan.existing:
        does = f"replaces {', '.join(map(str, existing))}"
        if not confirmed(f"This {does}.", yes=args.force, does=does, undone="written", flag="-f"):
            return ExitCode.FAILED
    made = config_generate.generate(plan)
    files = [str(path) for path in (made.env_file, *made.certificates)]
    if args.json:
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
    say(f"written: {', '.join(files)} ({made.scenario}, from {made.origin})")
    if made.instance:
        say("these servers are reached from the instance only; copy the files there:")
        say(f"  scp -rp {made.env_file} {plan.certs} ubuntu@{made.instance}:clickstream/")
    else:
        say("`clickstream config check` tries them")
    return ExitCode.DONE
