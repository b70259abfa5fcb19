"""Says why a message is not an event, in words for people. Pure; called only for broken messages."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from clickstream.domain.escapes import brief
from clickstream.domain.events import KINDS, MAX_ID, MAX_TIMESTAMP_MS

LONGEST_REASON: Final = 300
"""Characters of a reason."""

_SHOWN: Final = 40
"""Characters of a foreign value in it: one value may be the whole message."""


class _Fields(msgspec.Struct):
    """A message's fields as their sender wrote them; empty where there is none."""

    timestamp: msgspec.Raw = msgspec.Raw()
    visitor_id: msgspec.Raw = msgspec.Raw()
    event: msgspec.Raw = msgspec.Raw()
    item_id: msgspec.Raw = msgspec.Raw()
    transaction_id: msgspec.Raw = msgspec.Raw()


_fields = msgspec.json.Decoder(_Fields).decode

_LARGEST: Final = {"timestamp": MAX_TIMESTAMP_MS, "visitor_id": MAX_ID, "item_id": MAX_ID, "transaction_id": MAX_ID}

_KINDS: Final = f"{', '.join(KINDS[:-1])} or {KINDS[-1]}"

_AT_BYTE: Final = re.compile(r"JSON is malformed: (.*) \(byte (\d+)\)")

_AT_FIELD: Final = re.compile(r"at `\$\.(\w+)`")

_BEGINNINGS: Final = {b"[": "a list", b'"': "text", b"t": "true", b"f": "false", b"n": "null"}


def reason_for(value: bytes, error: Exception) -> str:
    """What is wrong with a value that the decoder of events refused with this error; printable, LONGEST_REASON at most.

    Raises nothing.
    """
    if isinstance(error, msgspec.ValidationError):
        try:
            return brief(_first_fault(value) or _given_twice(error), LONGEST_REASON)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as further_on:
            error = further_on
    return brief(_not_json(value, error), LONGEST_REASON)


def _first_fault(value: bytes) -> str:
    """Of the fields in the contract's order, by the last value of each; empty where all of those are right."""
    try:
        fields = _fields(value)
    except msgspec.ValidationError:
        _value(value)  # raises where it is not JSON at all
        return f"not a JSON object but {_BEGINNINGS.get(value.lstrip()[:1], 'a number')}"
    for name in _Fields.__struct_fields__:
        raw = bytes(getattr(fields, name))
        if not raw:
            if name != "transaction_id":
                return f"{name} is missing"
        elif fault := _fault_of_kind(raw) if name == "event" else _fault_of_number(name, raw):
            return f"{fault}{_show(raw)}"
    return ""


def _given_twice(error: Exception) -> str:
    field = _AT_FIELD.search(str(error))
    return f"{field[1]} is given twice, once with a value that does not fit" if field else f"not an event: {error}"


def _fault_of_kind(raw: bytes) -> str:
    return "" if _value(raw) in KINDS else f"event must be {_KINDS}, not "


def _fault_of_number(name: str, raw: bytes) -> str:
    value = _value(raw)
    if value is None and name == "transaction_id":
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"{name} is not a whole number: "
    if value < 0:
        return f"{name} is negative: "
    if value > _LARGEST[name]:
        return f"{name} is larger than {_LARGEST[name]}: "
    return f"{name} is not a whole number: " if value % 1 else ""


def _value(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:  # a number beyond all that it can hold, somewhere in it
        return raw if raw[:1] in b'{["' else float("-inf" if raw[:1] == b"-" else "inf")


def _not_json(value: bytes, error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not text in UTF-8"
    if not value.strip():
        return "an empty message"
    if found := _AT_BYTE.fullmatch(str(error)):
        return f"not JSON: {found[1]} at byte {found[2]}"
    return "not JSON: it ends too early" if "truncated" in str(error) else f"not JSON: {error}"


def _show(raw: bytes) -> str:
    text = raw[: 4 * _SHOWN].decode("utf-8", "replace")
    return brief(text, _SHOWN)
