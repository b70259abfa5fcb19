"""What root does for servers that refuse to be root."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from clickstream.config.paths import Home
from clickstream.domain.errors import ClickstreamError
from clickstream.stack import accounts
from clickstream.stack.accounts import Account, can_reach, shared_copy, unprivileged_account
from clickstream.stack.layout import PORTS, SERVERS, Layout, config_folder
from clickstream.stack.lockfile import read_lock
from clickstream.stack.opensearch import opensearch_spec, relocated
from clickstream.stack.postgres import postgresql_spec, relocated_data

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="gives files to another user")

STRANGER = Account(54_321, 54_321)


@pytest.fixture
def reachable(shelter: Path, tmp_path: Path) -> Path:
    """A folder that everybody can get to."""
    folder = shelter / tmp_path.name
    folder.mkdir(mode=0o755)
    if not can_reach(STRANGER, folder):
        pytest.skip("temporary folders of this machine are closed to others")
    return folder


@pytest.fixture
def state(reachable: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(accounts, "STATE_FOLDER", reachable / "state")
    return reachable / "state"


@pytest.mark.parametrize(
    ("folder_mode", "file_mode", "allowed"),
    [
        (0o755, 0o644, True),
        (0o711, 0o604, True),
        (0o700, 0o644, False),
        (0o744, 0o644, False),
        (0o755, 0o600, False),
        (0o755, 0o640, False),
    ],
)
def test_reach_follows_the_mode_bits(reachable: Path, folder_mode: int, file_mode: int, allowed: bool) -> None:
    file = reachable / "folder" / "file"
    file.parent.mkdir()
    file.touch()
    file.chmod(file_mode)
    file.parent.chmod(folder_mode)
    assert can_reach(STRANGER, file) is allowed


def test_owner_and_group_are_judged_by_their_own_bits(reachable: Path) -> None:
    file = reachable / "file"
    file.touch()
    found = file.stat()
    owner, member = Account(found.st_uid, 54_321), Account(54_321, found.st_gid)
    file.chmod(0o044)
    assert not can_reach(owner, file)
    assert can_reach(member, file)
    file.chmod(0o404)
    assert can_reach(owner, file)
    assert not can_reach(member, file)


def test_the_account_is_never_root(tmp_path: Path) -> None:
    assert unprivileged_account(tmp_path / "missing").uid != 0


@as_root
def test_data_stays_with_the_account_that_has_it(tmp_path: Path) -> None:
    os.chown(tmp_path, *STRANGER.owner)
    assert unprivileged_account(tmp_path) == STRANGER


@as_root
def test_a_shared_copy_is_made_once_and_readable_whatever_the_umask(state: Path) -> None:
    def copy(folder: Path) -> None:
        copies.append(folder)
        (folder / "sub").mkdir()
        (folder / "sub" / "program").touch(mode=0o700)
        (folder / "sub" / "text").touch(mode=0o600)

    copies: list[Path] = []
    before = os.umask(0o077)
    try:
        made = [shared_copy("thing-1", copy) for _ in range(2)]
    finally:
        os.umask(before)
    assert made == [state / "thing-1"] * 2
    assert len(copies) == 1
    assert can_reach(STRANGER, state / "thing-1" / "sub" / "text")
    assert stat.S_IMODE((state / "thing-1" / "sub" / "program").stat().st_mode) == 0o755
    assert [path.name for path in state.iterdir()] == ["thing-1"]


@as_root
def test_a_copy_that_was_cut_leaves_nothing(state: Path) -> None:
    def copy(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        shared_copy("thing-1", copy)
    assert list(state.iterdir()) == []


@as_root
def test_programs_are_never_put_where_others_can_swap_them(state: Path) -> None:
    state.mkdir()
    state.chmod(0o777)
    with pytest.raises(ClickstreamError, match="writable by no one else"):
        shared_copy("thing-1", lambda folder: None)


@as_root
def test_root_keeps_postgresql_data_where_its_account_can_reach_it(state: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.make()
    config_folder(home).mkdir()
    layout = Layout.fresh().with_free_ports(SERVERS)
    spec = postgresql_spec(home, layout)
    assert spec.uid is not None
    assert spec.gid is not None
    account = Account(spec.uid, spec.gid)
    assert account.uid != 0
    assert can_reach(account, Path(spec.argv[0]))
    folder = relocated_data(layout)
    assert Path(spec.setup[0].makes).parent == folder == state / layout.instance_id
    assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (account.uid, 0o700)
    config = Path(spec.argv[-1].removeprefix("config_file="))
    assert (config.stat().st_uid, stat.S_IMODE(config.stat().st_mode)) == (account.uid, 0o600)


@as_root
def test_root_keeps_opensearch_where_its_account_can_read_it_and_swap_nothing(state: Path, tmp_path: Path) -> None:
    cache = tmp_path / "closed"
    cache.mkdir(mode=0o700)
    jars = [cache / jar.name for jar in read_lock("opensearch")]
    for jar in jars:
        jar.touch(mode=0o600)
    home = Home(tmp_path / "home")
    home.make()
    layout = Layout.fresh().with_free_ports(PORTS)
    spec = opensearch_spec(home, layout, jars)
    assert spec.uid
    assert spec.gid
    account, folder = Account(spec.uid, spec.gid), relocated(layout)
    assert can_reach(account, Path(spec.argv[0]))
    assert (folder.stat().st_uid, folder.parent) == (0, state)
    for name in ("data", "config", "logs", "tmp"):
        found = (folder / name).stat()
        assert (found.st_uid, stat.S_IMODE(found.st_mode)) == (account.uid, 0o700), name
    module = list((folder / "modules").glob("*/*"))
    assert module
    assert all(can_reach(account, path) and path.lstat().st_uid == 0 for path in module)
