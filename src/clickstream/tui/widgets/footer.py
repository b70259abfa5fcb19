"""The last line: the keys that work now, read off the live bindings; clickable. Keeps no list of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.content import Content

from clickstream.tui.drawing.states import ACCENT, DIM
from clickstream.tui.widgets.line import StaticLine

if TYPE_CHECKING:
    from textual.app import App
    from textual.binding import ActiveBinding
    from textual.screen import Screen

ALWAYS, STAYS = ("help",), 3
"""Ids of bindings that stay when the line is too short for all, and their order."""

FIRST_TO_GO = ("palette", "command.verify", "command.demo", "quit", "cancel")
"""Ids of bindings that go before the modes lose their names."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key as the line shows it."""

    shown: str
    words: str
    action: str
    mode: str = ""
    """The mode that it opens; empty: it does something else."""
    order: int = 0
    """Of a key that does not open a mode: first the screen's own, then its filter, the app's, and what stays when the
    line is too short."""
    first_to_go: bool = False


class KeyLine(StaticLine):
    """The keys."""

    DEFAULT_CSS = """
    KeyLine {
        height: 1; width: 100%; padding: 0 1; text-wrap: nowrap; background: $background;
    }
    """

    auto_links = False
    """Keys look like keys."""

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._changed)
        self._changed(self.screen)

    def on_resize(self) -> None:
        self._changed(self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        if self.is_attached and screen is self.screen is self.app.screen:  # not while a dialog has the keys
            self.put(key_line(keys(self.app, screen), self.app.current_mode, self.size.width))


def keys(app: App[object], screen: Screen[object]) -> list[Key]:
    """The keys that are shown, in the order of their bindings: the modes, the screen's own, then the app's."""
    found: dict[str, Key] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and active.enabled and binding.action not in found:
            found[binding.action] = _key(app, active)
    ordered = sorted(found.values(), key=lambda key: key.order)
    return [key for key in ordered if key.mode] + [key for key in ordered if not key.mode]


def _key(app: App[object], active: ActiveBinding) -> Key:
    binding = active.binding
    action = (
        binding.action if "." in binding.action.partition("(")[0] else f"{_namespace(app, active)}.{binding.action}"
    )
    mode = binding.description if (binding.id or "").startswith("mode.") else ""
    order = STAYS if binding.id in ALWAYS else 2 if active.node is app else int(binding.id == "filter")
    return Key(app.get_key_display(binding), binding.description, action, mode, order, binding.id in FIRST_TO_GO)


def _namespace(app: App[object], active: ActiveBinding) -> str:
    return "app" if active.node is app else "screen" if active.node is app.screen else "focused"


def key_line(found: list[Key], mode: str, width: int) -> Content:
    """As many keys as fit: some go first, then modes shrink to their numbers, then others go; a sign shows that."""
    modes = [key for key in found if key.mode]
    others = [key for key in found if not key.mode]
    fitting = [key for key in others if not key.first_to_go]
    if _length(modes + fitting) + 2 > width:
        modes = [key if key.mode == mode else replace(key, words="") for key in modes]
    fitting = list(others)
    while _length(modes + fitting) + (2 if len(fitting) < len(others) else 0) > width:
        goes = _next_to_go(fitting)
        if goes is None:
            break
        fitting.remove(goes)
    left = Content("  " if all(key.words for key in modes) else " ").join(
        [_piece(key, current=key.mode == mode) for key in modes]
    )
    right = Content("  ").join([_piece(key, current=False) for key in fitting])
    sign = Content.styled("… ", DIM) if len(fitting) < len(others) else Content("")
    space = max(1, width - left.cell_length - right.cell_length - sign.cell_length)
    return Content.assemble(left, " " * space, sign, right)


def _next_to_go(found: list[Key]) -> Key | None:
    going = [key for key in found if key.first_to_go] or [key for key in found if key.order < STAYS]
    return going[-1] if going else None


def _length(found: list[Key]) -> int:
    return sum(len(key.shown) + bool(key.words) + len(key.words) + 2 for key in found)


def _piece(key: Key, *, current: bool) -> Content:
    words = f" {key.words}" if key.words else ""
    style = f"bold {ACCENT} reverse" if current else ""
    content = Content.assemble((key.shown, style or f"bold {ACCENT}"), (words, style or DIM))
    return content.stylize(f"@click={key.action}")
