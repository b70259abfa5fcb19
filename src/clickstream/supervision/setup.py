"""Set-up steps: a folder is made once, in a staging folder that is renamed at the end, so that nothing is half-made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

from clickstream.domain.processes import SetupStep


class StepFailed(Exception):
    """A set-up step did not make its folder; says why."""


async def set_up(step: SetupStep, folder: Path, run: Callable[[SetupStep], Awaitable[str | None]]) -> None:
    """Take a step, unless what it makes is there. Its staging folder is gone afterwards, however it ended.

    Args:
        step: what to do.
        folder: what its relative paths start from.
        run: runs the step's command to its end; None for success, else how it ended.

    Raises:
        StepFailed: with the reason.
    """
    staging, makes = folder / step.staging, folder / step.makes
    if os.path.lexists(makes):
        return
    try:
        _discard(staging)
        if (failure := await run(step)) is not None:
            raise StepFailed(f"{makes.name} could not be made: {failure}")
        if not staging.exists():
            raise StepFailed(f"{makes.name} could not be made: the command ended well but left no {staging}")
        staging.rename(makes)
    except OSError as error:
        raise StepFailed(f"{makes.name} could not be made: {error}") from error
    finally:
        _discard(staging)


def _discard(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
