"""docs/commands.md and README's table say what the command line is."""

from __future__ import annotations

from tools.reference import README, REFERENCE, readme, reference


def test_the_reference_is_that_of_the_command_line() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference(), "make reference writes it"


def test_the_table_in_the_readme_is_that_of_the_command_line() -> None:
    text = README.read_text(encoding="utf-8")
    assert text == readme(text), "make reference writes it"
