"""The supervisor as a background process: `python -m clickstream.supervision`, the home being CLICKSTREAM_HOME.

Writes one line to stdout, `ready`, `busy` or why it failed, and closes it.
"""

from __future__ import annotations

import os
import sys


def main() -> int:
    if os.fork():  # the starter waits for this process; the other one loses its parent, so it leaves no zombie
        os._exit(0)

    from clickstream.config.paths import Home  # noqa: PLC0415 (forked first, while little is loaded)
    from clickstream.domain.errors import ClickstreamError  # noqa: PLC0415
    from clickstream.supervision.daemon import run  # noqa: PLC0415

    try:
        return run(Home.from_environment(), _announce)
    except ClickstreamError as error:
        _announce(str(error))
        return 1


def _announce(word: str) -> None:
    os.write(sys.stdout.fileno(), f"{word}\n".encode())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())


if __name__ == "__main__":
    raise SystemExit(main())
