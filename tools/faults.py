"""Runs a fault campaign on a stack of its own: `python -m tools.faults --rounds 20 --seed 1`. Exit code 1: differences.

What each round does comes from its seed, which is said; `--rounds 1 --seed THAT` repeats it.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
from pathlib import Path

from clickstream.actions import stack
from clickstream.config.paths import Home
from tests.campaign.report import campaign


def main() -> int:
    parser = argparse.ArgumentParser(prog="tools.faults", description="Run a fault campaign.")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=None, help="(default: a random one, which is said)")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="begin no round later than this")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the report there as JSON too")
    args = parser.parse_args()
    report_file = args.json.absolute() if args.json else None
    seed = secrets.randbelow(2**32) if args.seed is None else args.seed
    for name in [name for name in os.environ if name.startswith(("KAFKA_", "PG", "POSTGRESQL_", "VALKEY_"))]:
        del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="clickstream-faults-") as folder:
        Path(folder).chmod(0o755)  # as root, PostgreSQL runs as another user, who must get through
        os.environ["CLICKSTREAM_HOME"] = str(Path(folder) / "home")
        os.chdir(folder)
        home = Home.from_environment()
        try:
            stack.up(home)
            report = campaign(home, Path(folder), seed=seed, rounds=args.rounds, say=_say, minutes=args.minutes)
        finally:
            stack.down(home)
            stack.reset(home)
    _say(str(report))
    if report_file:
        report_file.write_text(json.dumps(report.document(), indent=2) + "\n")
    return 1 if report.differences else 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    raise SystemExit(main())
