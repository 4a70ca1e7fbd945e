"""A package's library on this machine: equal to the host's definitions however samples come; its files and headers."""

import ctypes
import pathlib
import re

import numpy as np
import packages
import pytest

from export.packaging import public_header
from export.packaging.library import Member

KEPT = ("fxp_kws_push.c", "fxp_kws_stream_model_scalar.c", "fxp_kws_conv2d_s8_packed.c", "fxp_kws_frontend_spectrum.c")
SPARE = 16


class Detection(ctypes.Structure):
    """fxp_kws_detection."""

    _fields_ = (("label", ctypes.c_int32), ("posterior", ctypes.c_uint32), ("step", ctypes.c_uint32))


class Library:
    """A package's library, with the memory of one stream."""

    def __init__(self, path: pathlib.Path, member: Member) -> None:
        scalar = member.subject.variants[-1]
        self.c = ctypes.CDLL(str(path))
        self.c.fxp_kws_push.restype = ctypes.c_size_t
        self.c.fxp_kws_logits.restype = ctypes.POINTER(ctypes.c_int8)
        self.c.fxp_kws_label.restype = ctypes.c_char_p
        self.state = aligned(public_header.state_bytes(member.subject, scalar.plan))
        self.scratch = aligned(public_header.scratch_bytes(member.subject, scalar.plan))
        self.labels = len(member.subject.labels)
        self.c.fxp_kws_init(address(self.state))

    def push(self, where: int, count: int) -> int:
        return self.c.fxp_kws_push(
            address(self.state), ctypes.c_void_p(where), ctypes.c_size_t(count), address(self.scratch)
        )

    def poll(self) -> Detection | None:
        heard = Detection()
        return heard if self.c.fxp_kws_poll(address(self.state), ctypes.byref(heard)) & 1 else None

    def logits(self) -> list[int]:
        return self.c.fxp_kws_logits(address(self.state))[: self.labels]


def aligned(size: int) -> np.ndarray:
    block = np.full(size + SPARE, 0x5A, np.uint8)
    start = -block.ctypes.data % SPARE
    return block[start : start + size]


def address(memory: np.ndarray) -> ctypes.c_void_p:
    return ctypes.c_void_p(memory.ctypes.data)


@pytest.fixture(scope="module")
def shared(one: tuple[pathlib.Path, Member], tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    packages.needs("gcc")
    folder = tmp_path_factory.mktemp("shared")
    flags = [*packages.host_flags(), "-fsanitize=undefined", "-fno-sanitize-recover", "-fPIC", "-shared"]
    packages.run(["gcc", *flags, f"-I{one[0] / 'src'}", *packages.sources(one[0]), "-o", "library.so"], folder)
    return folder / "library.so"


@pytest.mark.slow
@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("longest", [9, 319, 5000])
def test_blocks_of_any_length_at_any_address_give_the_hosts_codes(
    shared: pathlib.Path, one: tuple[pathlib.Path, Member], longest: int, odd: int
) -> None:
    library, clip = Library(shared, one[1]), one[1].clip
    memory = np.frombuffer(b"\0" * odd + clip.samples.tobytes(), np.uint8)
    rng = np.random.default_rng(longest)
    position, heard, steps = 0, [], 0
    while position < len(clip.samples):
        count = min(int(rng.integers(0, longest + 1)), len(clip.samples) - position)
        assert library.push(memory.ctypes.data + odd + 2 * position, count) == count
        position += count
        if library.c.fxp_kws_steps(address(library.state)) > steps:
            steps = library.c.fxp_kws_steps(address(library.state))
            assert library.logits() == clip.logits[steps - 1].tolist()
        while (found := library.poll()) is not None:
            heard.append((found.label, found.posterior, found.step))
    assert steps == len(clip.logits)
    assert heard[-1] == (clip.label, clip.posterior, clip.step)
    assert library.c.fxp_kws_label(clip.label).decode() == one[1].subject.labels[clip.label]
    assert library.c.fxp_kws_label(-1) == library.c.fxp_kws_label(99) == b""
    assert library.c.fxp_kws_posterior(address(library.state), 99) == 0


@pytest.mark.slow
def test_every_symbol_begins_with_the_prefix(shared: pathlib.Path) -> None:
    packages.needs("nm")
    lines = packages.run(["nm", "--dynamic", "--defined-only", "--format=just-symbols", shared], shared.parent).split()
    assert len(lines) > 40 and not [name for name in lines if not name.startswith("fxp_kws_")]


@pytest.mark.slow
def test_a_full_queue_loses_nothing(shared: pathlib.Path, one: tuple[pathlib.Path, Member]) -> None:
    """Said again and again without a poll: samples are taken until four detections wait, and the rest later."""
    library, clip = Library(shared, one[1]), one[1].clip
    samples = np.tile(clip.samples, 7)
    position, heard = library.push(samples.ctypes.data, len(samples)), []
    assert 0 < position < len(samples)
    assert library.push(samples.ctypes.data + 2 * position, 1) == 0
    while position < len(samples) or not heard or heard[-1] is not None:
        heard.append(library.poll())
        position += library.push(samples.ctypes.data + 2 * position, len(samples) - position)
    labels = [found.label for found in heard if found is not None]
    alone, expected = Library(shared, one[1]), []
    for block in np.split(samples, len(samples) // 40):
        assert alone.push(np.ascontiguousarray(block).ctypes.data, len(block)) == len(block)
        while (found := alone.poll()) is not None:
            expected.append(found.label)
    assert labels == expected and len(labels) > public_header.QUEUE


@pytest.mark.parametrize("language", ["c11", "c17", "c++11", "c++17", "c++20"])
def test_public_headers_are_clean(
    language: str, two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path
) -> None:
    compiler, suffix = ("g++", "cpp") if "+" in language else ("gcc", "c")
    packages.needs(compiler)
    source = tmp_path / f"user.{suffix}"
    headers = ("commands.h", "commands_self_test.h", "wake_self_test.h", "commands.h")
    source.write_text(
        "".join(f'#include "{name}"\n' for name in headers) + "static wake kws;\nint main(void) { wake_init(&kws); }\n"
    )
    warnings = ["-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wshadow", "-Wundef", "-Werror"]
    packages.run([compiler, f"-std={language}", *warnings, f"-I{two[0] / 'src'}", "-c", source], tmp_path)


def test_it_has_the_files_of_its_plan_and_no_others(one: tuple[pathlib.Path, Member]) -> None:
    names = {path.name for path in packages.sources(one[0])}
    assert names.issuperset(KEPT)
    called = {item.step.kernel.function for variant in one[1].subject.variants for item in variant.plan.steps}
    kernels = {name.removesuffix(".c").replace("fxp_kws", "fxp") for name in names}
    assert called <= kernels
    assert not [name for name in names if "row_pairs" in name or "host" in name]
    assert len(names) < 45


def test_nothing_in_it_has_a_name_of_the_other_model(two: tuple[pathlib.Path, list[Member]]) -> None:
    root = two[0] / "src"
    for prefix, other in (("commands", "wake"), ("wake", "commands")):
        for path in (root / prefix).iterdir():
            assert path.name.startswith(prefix)
            assert not re.search(rf"\b({other}|{other.upper()})_", path.read_text()), path
    shared = {path.name for path in (root / "fxp_kws").iterdir()}
    assert "fxp_kws_conv2d_s8_packed.c" in shared
    assert not [name for name in shared if "frontend" in name or "detector" in name]


def test_every_include_is_there(two: tuple[pathlib.Path, list[Member]]) -> None:
    for path in (two[0] / "src").rglob("*.[ch]"):
        for name in re.findall(r'^#include "(.*)"', path.read_text(), re.MULTILINE):
            assert (path.parent / name).is_file(), (path, name)
