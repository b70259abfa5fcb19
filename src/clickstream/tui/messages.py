"""What threads post to the app. The only way from a thread to the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.message import Message

if TYPE_CHECKING:
    from clickstream.actions.observe.model import Frame
    from clickstream.tui.jobs import Job


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


class JobMoved(Message):
    """A job has said how far it is."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, JobMoved) and message.job is self.job


class JobEnded(Message):
    """A job is over: done, failed or cancelled."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
