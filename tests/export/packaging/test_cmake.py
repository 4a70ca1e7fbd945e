"""The CMake library: built, tested by ctest, installed, found by another project; its example hears a microphone."""

import pathlib

import packages
import pytest

from export.packaging.library import Member
from export.plan import PROFILES

USER = """\
cmake_minimum_required(VERSION 3.13)
project(user LANGUAGES C)
find_package(fxp_kws 1.0 REQUIRED)
add_executable(user user.c)
target_link_libraries(user PRIVATE fxp_kws::fxp_kws)
"""


@pytest.mark.slow
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_computes_the_same_on_this_machine(profile: str, tmp_path: pathlib.Path) -> None:
    """Kernels of cores with the DSP extension, or vectors, as their plain twins."""
    packages.needs("cc")
    root = packages.made(tmp_path, [packages.MODELS / "w4a4"], "cmake", profile=profile)
    files = [*packages.sources(root), root / "examples" / "clip.c"]
    packages.run(["cc", "-O0", "-Wall", "-Wextra", "-Werror", "-Isrc", *files, "-o", "clip"], root)
    assert "equal to the host's" in packages.run([root / "clip"], root)


@pytest.mark.slow
def test_it_is_built_tested_installed_and_found(two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path) -> None:
    packages.needs("cmake", "ctest")
    root, members = two
    build = ["cmake", "-S", root, "-B", "build", "-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_INSTALL_PREFIX={tmp_path}/there"]
    packages.run(build, tmp_path)
    packages.run(["cmake", "--build", "build", "--parallel", "2"], tmp_path)
    assert "100% tests passed" in packages.run(["ctest", "--test-dir", "build"], tmp_path)
    sound = b"".join(member.clip.samples.tobytes() for member in members)
    heard = packages.run([tmp_path / "build" / "microphone"], tmp_path, sound).split()
    assert {member.subject.labels[member.clip.label] for member in members} <= set(heard)
    packages.run(["cmake", "--install", "build"], tmp_path)
    (tmp_path / "user").mkdir()
    (tmp_path / "user" / "CMakeLists.txt").write_text(USER)
    (tmp_path / "user" / "user.c").write_text((root / "examples" / "clip.c").read_text())
    packages.run(["cmake", "-S", "user", "-B", "user/build", f"-DCMAKE_PREFIX_PATH={tmp_path}/there"], tmp_path)
    packages.run(["cmake", "--build", "user/build"], tmp_path)
    assert packages.run([tmp_path / "user" / "build" / "user"], tmp_path).count("equal to the host's") == 2
