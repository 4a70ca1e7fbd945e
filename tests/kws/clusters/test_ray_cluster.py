"""A cluster that is not there is said within seconds."""

import socket
import sys
import time
from typing import Any

import pytest

from kws.clusters import ray_cluster


@pytest.mark.parametrize("address", ["127.0.0.1:1", "ray://127.0.0.1:1", "[::1]:1", "no.such.host.invalid:6379"])
def test_nobody_who_listens_is_said_at_once(address: str) -> None:
    started = time.monotonic()
    with pytest.raises(ray_cluster.ClusterError, match="no Ray cluster answers"):
        ray_cluster.connect(address)
    assert time.monotonic() - started < 20


def test_what_ray_says_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def refuse(**settings: Any) -> None:
        raise ConnectionError(f"another version at {settings['address']}")

    monkeypatch.setattr(ray, "init", refuse)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ray_cluster.ClusterError, match=f"no Ray cluster answers .another version at {address}"):
            ray_cluster.connect(address)
    # No host and port to try.
    with pytest.raises(ray_cluster.ClusterError, match="another version at auto"):
        ray_cluster.connect("auto")


def test_without_ray_it_says_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ray_cluster.ClusterError, match=r"Ray is not installed: pip install .*\[sweep\]"):
        ray_cluster.connect("auto")
