"""The composition root: hands the command line to the front end."""

from __future__ import annotations


def main() -> int:
    from clickstream.cli.parser import run

    return run()


if __name__ == "__main__":
    raise SystemExit(main())
