"""Orders to a running producer, a JSON line each, and the pace and pause that they lead to.

Knows no pipe: the reader of the lines hands them to `Orders.receive`.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import msgspec

from clickstream.domain.errors import UsageError
from clickstream.domain.pace import Pace
from clickstream.pipeline.producer.pacing import Pacer, plan

if TYPE_CHECKING:
    from clickstream.domain.events import Int64Array

_logger = logging.getLogger(__name__)


class Pause(msgspec.Struct, tag="pause", frozen=True):
    """Send nothing more until told to."""


class Resume(msgspec.Struct, tag="resume", frozen=True):
    """Go on at the pace that was set."""


Order = Pace | Pause | Resume

_decoder: msgspec.json.Decoder[Order] = msgspec.json.Decoder(Order)


def order_line(order: Order) -> str:
    """The order as the line that `Orders.receive` takes."""
    return msgspec.json.encode(order).decode()


class Orders:
    """What a producer was last told. One thread hears, another one obeys."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        self.paused = False
        self._applied: tuple[Pace, bool] = (pace, False)

    def receive(self, line: bytes) -> None:
        """Take an order; one that is not understood is logged and changes nothing."""
        try:
            order = _decoder.decode(line)
        except (msgspec.MsgspecError, UsageError) as error:
            _logger.warning("Not an order: %s", error)
            return
        match order:
            case Pause():
                self.paused = True
            case Resume():
                self.paused = False
            case Pace():
                self.pace = order

    def apply(self, pacer: Pacer, time_ms: Int64Array, sent: int) -> bool:
        """Have the pacer do what was ordered, after `sent` of the events with these times; True if that was news."""
        pace, paused = self.pace, self.paused
        if (pace, paused) == self._applied:
            return False
        if pace != self._applied[0]:
            pacer.follow(plan(pace, time_ms[sent:]), sent)
            _logger.info("Sending at %s from now on", pace)
        if paused != self._applied[1]:
            _logger.info("Paused" if paused else "Resumed")
        if paused:
            pacer.pause()
        else:
            pacer.resume()
        self._applied = pace, paused
        return True
