"""Carries frames to the app in a daemon thread, so a source that hangs does not keep the app from ending."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Protocol

from textual.message import Message

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame, JournalEntry
    from clickstream.config.settings import Settings
    from clickstream.services.postgres.verify import Verification


class FrameSource(Protocol):
    """What the app needs of a Watcher (actions/observe/watcher.py); tests have their own."""

    @property
    def settings(self) -> Settings:
        """The settings of now."""

    def frames(self) -> Iterator[Frame]:
        """Called once, from the feed's thread."""

    def publish(self, entries: list[JournalEntry]) -> None: ...

    def verified(self, verification: Verification) -> None: ...

    def ask_now(self) -> None: ...

    def stop(self) -> None: ...


class FrameArrived(Message):
    """A new frame; a newer one takes its place when the app is behind."""

    def __init__(self, frame: Frame) -> None:
        super().__init__()
        self.frame = frame

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, FrameArrived)


class FeedFailed(Message):
    """No frame comes any more, because of a fault of ours."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class Feed:
    """The thread."""

    def __init__(self, source: FrameSource, post: Callable[[Message], object]) -> None:
        self._source = source
        self._post = post
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._source.stop()

    def _run(self) -> None:
        try:
            for frame in self._source.frames():
                self._post(FrameArrived(frame))
        except Exception as error:
            self._post(FeedFailed(error))
