"""How the values of options are read: each raises ArgumentTypeError with what is wrong. Imports nothing slow."""

from __future__ import annotations

import argparse


def span(text: str) -> float:
    """Seconds of `90s`, `5m`, `2h`; a bare number counts seconds."""
    number, unit = (text[:-1], text[-1]) if text[-1:] in {"s", "m", "h"} else (text, "s")
    if not (number.isascii() and number.isdigit() and int(number) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a span of time, such as 90s, 5m or 2h")
    return float(int(number) * {"s": 1, "m": 60, "h": 3600}[unit])


def port(text: str) -> int:
    port = positive(text)
    if port > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: the highest is 65535")
    return port


def natural(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from 0 upwards")
    return int(text)


def positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) > 0):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of events a second above 0")
    return rate
