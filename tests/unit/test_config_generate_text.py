"""The text of a `.env`: whatever a value holds, our reader gives it back."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from clickstream.actions.config.text import quoted, render
from clickstream.config.problems import file_values
from clickstream.config.settings import variables

ANY = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
NASTY = st.text(st.sampled_from("'\"\\$#{}= \t\n\r\x85\u2028\ufeffnab`%"))


@given(st.dictionaries(st.sampled_from(sorted(variables())), ANY | NASTY))
def test_values_are_read_back_as_they_were(values: dict[str, str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "env")
        path.write_text(render(values, "A headline\nof two lines"), encoding="utf-8", newline="")
        assert file_values(path) == values


@given(ANY | NASTY)
def test_a_value_stays_on_its_line(value: str) -> None:
    assert not {"\n", "\r"} & set(quoted(value))


def test_plain_values_are_left_bare_and_dollars_are_kept_from_other_readers() -> None:
    assert quoted("kafka-1.example.net:9092,kafka-2:9092") == "kafka-1.example.net:9092,kafka-2:9092"
    assert quoted("pa$$w0rd") == "'pa$$w0rd'"
    assert quoted("") == "''"


def test_every_setting_is_in_the_text_once_and_defaults_are_comments() -> None:
    lines = render({"PG_HOST": "p"}, "x").splitlines()
    names = [line.removeprefix("# ").partition("=")[0] for line in lines if "=" in line]
    assert names == list(variables())
    assert "PG_HOST=p" in lines
    assert "# PG_PORT=5432" in lines
    assert "# VALKEY_SSL=false" in lines
    assert "# PG_PASSWORD=" in lines
