"""The command palette's entries: every command under its CLI name, as far as this session offers it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, cast

import textual.command
from textual.command import DiscoveryHit, Hit, Hits, Provider

from clickstream.tui.commands import COMMANDS, ScreenCommand
from clickstream.tui.screens.dialog import SingleDismissal

if TYPE_CHECKING:
    from clickstream.tui.screens.dashboard import Dashboard


class CommandPalette(SingleDismissal, textual.command.CommandPalette):
    """The framework's, which a second Enter cannot close again."""


class CommandProvider(Provider):
    """Offers the commands."""

    async def discover(self) -> Hits:
        for command in self._offered():
            yield DiscoveryHit(command.name, self._runner(command), help=command.summary)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._offered():
            score = max(matcher.match(command.name), matcher.match(command.summary) * 0.6)
            if score > 0:
                yield Hit(score, matcher.highlight(command.name), self._runner(command), help=command.summary)

    def _offered(self) -> list[ScreenCommand]:
        return [command for command in COMMANDS if self._dashboard.offers(command)]

    def _runner(self, command: ScreenCommand) -> partial[None]:
        return partial(self._dashboard.run_command, command.name)

    @property
    def _dashboard(self) -> Dashboard:
        return cast("Dashboard", self.app)
