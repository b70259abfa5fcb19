"""What `terraform fmt` would change, as far as it is a matter of lines. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

ASSIGNED = re.compile(r"^( *)([\w-]+|\"[^\"]*\")( *)= (.*)$")


def misplaced(text: str) -> Iterator[str]:
    """A line for each line that is not laid out as `terraform fmt` would."""
    if not text.endswith("\n") or text.endswith("\n\n"):
        yield "the end"
    depth, group = 0, list[tuple[int, int, int]]()
    for number, line in enumerate(text.splitlines(), start=1):
        bare = re.sub(r'"(?:\\.|[^"\\])*"', '""', line.partition("#")[0])
        closing = len(re.match(r"[\s\])}]*", bare)[0].replace(" ", ""))  # type: ignore[index]
        opened = len(re.findall(r"[\[({]", bare)) - len(re.findall(r"[\])}]", bare))
        if line != line.rstrip() or "\t" in line:
            yield f"{number}: white space"
        if line and len(line) - len(line.lstrip()) != 2 * max(0, depth - min(closing, 1)):
            yield f"{number}: indented by {len(line) - len(line.lstrip())}"
        depth += (opened > 0) - (opened < 0)
        match = ASSIGNED.match(line)
        if match and not opened:
            group.append((number, len(match[1]), len(match[1]) + len(match[2]) + len(match[3])))
        else:
            yield from _unaligned(group)
            group = []
    yield from _unaligned(group)


def _unaligned(group: list[tuple[int, int, int]]) -> Iterator[str]:
    for number, _, column in group:
        if column != max(column for _, _, column in group):
            yield f"{number}: = is not below its neighbours'"
