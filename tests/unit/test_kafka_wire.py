"""Logging in over a connection of our own: as the RFC's example has it, and not without the password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.services.kafka.wire import scram

NONCE = "rOprNGfwEbeRWgbNEkqO"
FIRST = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
LAST = b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
"""RFC 7677, section 3: the user `user` with the password `pencil`."""


class Broker:
    """Answers with these, one after the other."""

    def __init__(self, *answers: bytes) -> None:
        self.heard: list[bytes] = []
        self._answers = list(answers)

    def say(self, said: bytes) -> bytes:
        self.heard.append(said)
        return self._answers.pop(0)


def test_the_example_of_the_rfc() -> None:
    broker = Broker(FIRST, LAST)
    scram("sha256", "user", "pencil", broker.say, nonce=NONCE)
    assert broker.heard == [
        b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
        b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    ]


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (FIRST, b"v=AAAA"),
        (FIRST, b"e=invalid-proof"),
        (b"r=another,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096", LAST),
        (FIRST.replace(b"4096", b"2000000000"), LAST),
        (FIRST.replace(b"4096", b"0"), LAST),
    ],
)
def test_who_does_not_know_the_password_is_left(first: bytes, last: bytes) -> None:
    with pytest.raises(ValueError, match="that"):
        scram("sha256", "user", "pencil", Broker(first, last).say, nonce=NONCE)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_whatever_is_answered_it_is_refused(first: bytes, last: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (decoders have words of their own)
        scram("sha256", "user", "pencil", Broker(first, last).say, nonce=NONCE)


def test_signs_that_mean_something_are_escaped_in_names() -> None:
    broker = Broker(FIRST, b"v=")
    with pytest.raises(ValueError, match="does not know the password"):
        scram("sha256", "a=b,c", "pencil", broker.say, nonce=NONCE)
    assert broker.heard[0] == b"n,,n=a=3Db=2Cc,r=rOprNGfwEbeRWgbNEkqO"
