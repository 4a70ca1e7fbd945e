"""The cores that a process may use, on machines made of files."""

import os
import pathlib

import pytest

from kws_cli import cores


def machine(root: pathlib.Path, groups: str, files: dict[str, str]) -> pathlib.Path:
    """The root of a machine whose process lies in these control groups; `files` by their path below the mounts."""
    mounted = {f"sys/fs/cgroup/{path}": content for path, content in files.items()}
    for path, content in {"proc/self/cgroup": groups, **mounted}.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(content)
    return root


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(128)), raising=False)


def found(root: pathlib.Path, groups: str, files: dict[str, str]) -> int:
    return cores.usable_cores(machine(root, groups, files))


def test_without_a_limit_affinity_decides(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cores.usable_cores(tmp_path) == 128
    assert found(tmp_path, "0::/job\n", {"job/cpu.max": "max 100000\n"}) == 128
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 7, 8}, raising=False)
    assert cores.usable_cores(tmp_path) == 3
    assert found(tmp_path, "0::/job\n", {"job/cpu.max": "400000 100000\n"}) == 3


@pytest.mark.parametrize(("quota", "cores"), [("400000 100000", 4), ("150000 100000", 2), ("5000 100000", 1)])
def test_a_limit_of_version_2(tmp_path: pathlib.Path, quota: str, cores: int) -> None:
    assert found(tmp_path, "0::/user.slice/job\n", {"user.slice/job/cpu.max": f"{quota}\n"}) == cores


def test_the_tightest_group_around_the_process_decides(tmp_path: pathlib.Path) -> None:
    limits = {"a/cpu.max": "300000 100000\n", "a/b/cpu.max": "max 100000\n", "a/b/c/cpu.max": "800000 100000\n"}
    assert found(tmp_path, "0::/a/b/c\n", limits) == 3


def test_a_container_sees_its_group_as_the_mount(tmp_path: pathlib.Path) -> None:
    assert found(tmp_path / "2", "0::/../docker/1234\n", {"cpu.max": "200000 100000\n"}) == 2
    groups = "5:memory:/docker/1234\n4:cpu,cpuacct:/docker/1234\n0::/\n"
    files = {"cpu,cpuacct/cpu.cfs_quota_us": "600000\n", "cpu,cpuacct/cpu.cfs_period_us": "100000\n"}
    assert found(tmp_path / "1", groups, files) == 6


def test_a_limit_of_version_1(tmp_path: pathlib.Path) -> None:
    def limited(name: str, quota: str) -> int:
        files = {"cpu/job/cpu.cfs_quota_us": f"{quota}\n", "cpu/job/cpu.cfs_period_us": "50000\n"}
        return found(tmp_path / name, "9:cpuset:/\n3:cpu:/job\n1:name=systemd:/job\n", files)

    assert limited("four", "200000") == 4
    assert limited("none", "-1") == 128


def test_this_process_may_use_a_core() -> None:
    assert cores.usable_cores() >= 1
