"""Where stores lie: what was chosen, by setting or environment, else the user's folder for caches."""

import pathlib

import pytest

from kws.stores import cache_dir
from kws.stores.store_error import StoreError


def test_a_setting_comes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KWS_CACHE_DIR", "chosen")
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_dir.of_clips("given") == pathlib.Path("given/clips")
    assert cache_dir.of_clips(None) == pathlib.Path("chosen/clips")
    for unset in ("", None):
        monkeypatch.setenv("KWS_CACHE_DIR", "") if unset == "" else monkeypatch.delenv("KWS_CACHE_DIR")
        assert cache_dir.given(None) is None
        assert cache_dir.of_clips(None) == pathlib.Path("/caches/fixed-point-kws/clips")
    monkeypatch.setenv("HOME", "/home")
    for no_folder in ("", "relative"):
        monkeypatch.setenv("XDG_CACHE_HOME", no_folder)
        assert cache_dir.of_clips(None) == pathlib.Path("/home/.cache/fixed-point-kws/clips")


def test_without_a_home_a_folder_has_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("KWS_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # as of a user who is not in the system's list
    with pytest.raises(StoreError, match=r"^no home folder: set HOME or XDG_CACHE_HOME, or give a folder for clips by"):
        cache_dir.of_clips(None)
    assert cache_dir.of_clips("given") == pathlib.Path("given/clips")
