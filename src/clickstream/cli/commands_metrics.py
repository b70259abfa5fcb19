"""`metrics`: its words."""

from __future__ import annotations

from argparse import Namespace

from clickstream.cli import output
from clickstream.cli.diagnostics import ExitCode, say


def metrics(args: Namespace) -> int:
    from clickstream.actions.metrics import serve as action
    from clickstream.config.settings import load_settings

    if args.once:
        import logging

        # Drivers log to stderr where nobody has said otherwise; that a server is down is among the figures.
        logging.getLogger().addHandler(logging.NullHandler())
        if args.json:
            output.write_json(action.once_as_data(load_settings))
        else:
            output.write_raw(action.once(load_settings))
        return ExitCode.DONE
    if args.supervised:
        address = action.start(load_settings(), host=args.host, port=args.port)
        if args.json:
            output.write_json({"address": address, "process": action.PROCESS})
        else:
            say(f"serving {address}; `clickstream worker stop {action.PROCESS}` ends it")
        return ExitCode.DONE
    action.serve_until_signal(load_settings, host=args.host, port=args.port, announce=lambda a: _announce(args, a))
    return ExitCode.DONE


def _announce(args: Namespace, address: str) -> None:
    if args.json:
        output.write_json_line({"address": address})
    else:
        output.write_text(address)
