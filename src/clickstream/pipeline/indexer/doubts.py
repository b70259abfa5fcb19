"""Documents that OpenSearch refused for an unknown reason: is it their own fault, or the state of the index?

The other documents decide. When a document is refused twice, the second time in a bulk in which another was accepted,
it is at fault and is rejected, so one bad document stops nothing. While no document is accepted, all of them wait.
Every second bulk holds a witness: a document that was accepted before, and that changes nothing when it is sent again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from clickstream.services.opensearch.bulk import BulkAnswer

ON_ITS_WORD: Final = 10
"""Documents that are rejected when none but those that were there already are taken: a full shard knows these, too."""


class Doubts:
    """Of one settler. For one thread."""

    def __init__(self) -> None:
        self._witness: str | None = None
        self._suspects: dict[str, bool] = {}
        """Documents refused once, and whether others were created beside them."""
        self._on_its_word = 0

    def clear(self) -> None:
        """The batch is done with."""
        self._suspects.clear()

    def witness(self, lines: Sequence[str]) -> str | None:
        """What is to go along with these, where one of them was refused before."""
        return self._witness if self._suspects and not self._suspects.keys().isdisjoint(lines) else None

    def judge(self, lines: Sequence[str], answer: BulkAnswer) -> bool:
        """Move what is its own fault to the answer's `refused`, the rest of `doubtful` to `again`.

        False: what is left cannot be judged, since nothing shows that the index takes documents.
        """
        self._note_witness(lines, answer)
        if not answer.doubtful:
            return True
        new = bool(answer.created)
        taken = new or bool(answer.duplicates) or answer.witnessed
        before = {place: self._suspects.get(lines[place]) for place, _ in answer.doubtful}
        alone = sum(beside is False and not new for beside in before.values())
        trusted = self._on_its_word + alone <= ON_ITS_WORD
        clear = taken
        for place, reason in answer.doubtful:
            beside = before[place]
            if taken and beside is not None and (beside or new or trusted):
                self._on_its_word += not (beside or new)
                answer.refused.append((place, reason))
                continue
            clear = clear and beside is None
            self._suspects[lines[place]] = beside or new
            answer.again.append(place)
            answer.reason = reason
        answer.again.sort()
        answer.doubtful.clear()
        return clear

    def _note_witness(self, lines: Sequence[str], answer: BulkAnswer) -> None:
        if answer.created:
            self._on_its_word = 0
        if answer.created or answer.duplicates:
            others = {*answer.again, *(place for place, _ in (*answer.refused, *answer.doubtful))}
            self._witness = next(line for place, line in enumerate(lines) if place not in others)
