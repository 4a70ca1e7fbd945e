"""Where stores lie: what was chosen, by setting or environment, else the user's folder for caches."""

import pathlib

import pytest

from kws.stores import cache_dir


def test_a_setting_comes_before_the_environment_and_that_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KWS_CACHE_DIR", "chosen")
    monkeypatch.setenv("XDG_CACHE_HOME", "caches")
    assert cache_dir.of_clips("given") == pathlib.Path("given/clips")
    assert cache_dir.of_clips(None) == pathlib.Path("chosen/clips")
    for unset in ("", None):
        monkeypatch.setenv("KWS_CACHE_DIR", "") if unset == "" else monkeypatch.delenv("KWS_CACHE_DIR")
        assert cache_dir.given(None) is None
        assert cache_dir.of_clips(None) == pathlib.Path("caches/fixed-point-kws/clips")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "home")
    assert cache_dir.of_clips(None) == pathlib.Path("home/.cache/fixed-point-kws/clips")
