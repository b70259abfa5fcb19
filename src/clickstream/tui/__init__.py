"""The dashboard: a Textual app that shows Frames (actions/observe/model.py) and runs actions. Decides nothing itself.

How it works: feed.py iterates frames in a thread and posts FrameArrived; the app keeps the newest as its
reactive `frame`; each dashboard screen gets it through `show(frame)` and changes its own widgets. No thread touches a
widget, no handler asks a server. A command runs as a job in a thread (jobs.py) under its name.
The app loads a screen by its name when it is opened first; what screens need of it is a Dashboard
(screens/dashboard.py).
`widgets/` holds Textual widgets; `drawing/` holds the pure functions that turn frames into text, boxes and table cells.
A screen asks servers and files only through a BackgroundQuery (background.py); logs come from a LogFollower.

To add a screen:

1. `screens/NAME.py`: a class NameScreen(DashboardScreen), from screens/base.py, with `body()`, which composes, and
   `show(frame)`, which updates. `show` comes once a second, when something happens and when the screen is entered;
   ages are counted from `frame.at`, never from the clock.
2. Name it in MODE_NAMES (app.py): one word, in the order of the number keys. All nine have a screen: a tenth needs a
   key of its own there. The class's name is that name and Screen.
3. What it can do goes into commands.py under its CLI name, with `opens=` what only opens the screen. A key for it is
   `command_binding(key, name)` in the screen's BINDINGS. Footer, help (`?`) and palette come from there by themselves;
   read-only mode drops what changes something.
4. Styles that only it needs stand in its CSS (not DEFAULT_CSS: theme.tcss would win); only theme variables as colours.
5. `tests/tui/frames.py` has frames to show, `tests/tui/conftest.py` (`answers`) a stand-in for each server. A test
   beside the other screens' takes its picture at three sizes (`EVERY_SIZE` in `tests/tui/driving.py`); `make snapshots`
   draws it, and every picture whose key line changes. In `tests/tui`, `test_keys.py` wants an entry for each key,
   `test_refresh.py` one if the screen shows the time or a consumer's figures; `test_themes.py` and
   `test_commands_match_cli.py` judge the screen as it is.
"""

from __future__ import annotations

from clickstream.tui.launch import run

__all__ = ["run"]
