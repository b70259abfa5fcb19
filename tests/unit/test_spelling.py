"""A name that is nearly right is answered with the one that was meant."""

from __future__ import annotations

import pytest

from clickstream.cli.main import run
from clickstream.domain import spelling


@pytest.mark.parametrize(
    ("name", "said"),
    [("kil-kafka", "did you mean kill-kafka?"), ("zebra", "elsewhere"), ("", "elsewhere"), ("\x1b", "elsewhere")],
)
def test_only_what_is_alike_is_proposed(name: str, said: str) -> None:
    assert spelling.hint(name, ["kill-kafka", "freeze-postgresql"], "elsewhere") == said


def test_a_fault(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["faults", "inject", "kil-kafka"]) == 2
    assert "did you mean kill-kafka?" in capsys.readouterr().err
