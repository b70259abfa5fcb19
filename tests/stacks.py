"""A stack of real servers for as long as a block runs, in a home of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clickstream.actions import stack
from clickstream.config.paths import Home


@contextmanager
def stack_in(folder: Path) -> Iterator[Home]:
    """CLICKSTREAM_HOME is this folder meanwhile, and nothing is left of it afterwards."""
    home = Home(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLICKSTREAM_HOME", str(home.root))
        stack.up(home)
        yield home
        stack.down(home)
        stack.reset(home)
