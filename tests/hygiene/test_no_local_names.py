"""No file names a package registry's host or a folder of one machine: a clone works behind any mirror, anywhere."""

from __future__ import annotations

import re

import pytest

from tests.hygiene.tree import texts

# Put together from parts, so that this file passes its own test.
REGISTRIES = (
    ("pypi", "org"),
    ("pythonhosted", "org"),
    ("repo1", "maven", "org"),
    ("repo", "maven", "apache", "org"),
    ("registry", "npmjs", "org"),
    ("crates", "io"),
    ("proxy", "golang", "org"),
    ("deb", "debian", "org"),
)
HOST = re.compile(r"(?<![\w-])(" + "|".join(r"\.".join(parts) for parts in REGISTRIES) + r")(?![\w-])", re.IGNORECASE)
MACHINE_PATH = re.compile(r"(?<![\w.~$}/])/(root|work|Users/\w+|home/\w+)(?=/)")


def faults(name: str, text: str) -> list[str]:
    """A line for each unwanted name in `text`."""
    return [
        f"{name}:{number}: {match[0]}"
        for number, line in enumerate(text.splitlines(), start=1)
        for pattern in (HOST, MACHINE_PATH)
        for match in pattern.finditer(line)
    ]


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = [fault for name, text in texts().items() for fault in faults(name, text)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("parts", REGISTRIES, ids="-".join)
def test_registries_are_seen(parts: tuple[str, ...]) -> None:
    assert faults("a", f"--index-url https://{'.'.join(parts)}/simple")


@pytest.mark.parametrize("parts", [("root",), ("work",), ("home", "me")], ids="-".join)
def test_machine_paths_are_seen(parts: tuple[str, ...]) -> None:
    folder = "/".join(["", *parts, "cache"])
    assert faults("a", f"x = '{folder}'")
    assert not faults("a", f"x = '$HOME{folder}' and a{folder}")
