"""What Atheris calls with bytes: readers of reports, bundles, failures' JSON, arrays and recordings.

python -m scripts.fuzz_targets report CORPUS -max_total_time=60
"""

import functools
import io
import json
import pathlib
import re
import shutil
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator

Target = Callable[[bytes], bool]
"""Bytes -> whether they were read; False where they were refused as promised."""
FAILURES = pathlib.Path(__file__).resolve().parents[1] / "tests" / "export" / "fuzzing" / "corpus"
_MEMBERS = 3
_RATE = 16_000
_KINDS = ("|i1", "<i4", "<f4", "<f8", "<U9", "<U1000000", "|b1", "|O", "<c16", "|V7", "<M8[s]")
_MOST_ADDRESSES = 1 << 30
_MOST_CPU_SECONDS = 10.0


def report() -> Target:
    """Both parsers of what a firmware says on its UART."""
    from microcontroller.measurement import protocol
    from microcontroller.measurement.protocol import DeviceError
    from microcontroller.streaming import protocol as stream_protocol

    def run(content: bytes) -> bool:
        lines = content.decode(errors="replace").split("\n")
        read = False
        for parse in (protocol.parse, stream_protocol.parse):
            try:
                parse(lines)
                read = True
            except DeviceError as error:
                _one_line(error)
        return read

    return run


def arrays() -> Target:
    """Arrays of an .npz file: the file itself, what one of them is in it, or what it declares; the first byte says."""
    from kws_cli import array_file

    read = functools.partial(_read, array_file.read, "arrays.npz", (OSError, ValueError))

    def run(content: bytes) -> bool:
        kind, rest = content[:1], content[1:]
        return read(rest if kind not in (b"\1", b"\2") else _npz({"a.npy": rest if kind == b"\1" else _declared(rest)}))

    return run


def _declared(content: bytes) -> bytes:
    """An array that declares a kind, the first byte, and lengths, four bytes each: a fuzzer hardly spells them."""
    lengths = tuple(int.from_bytes(content[at : at + 4], "little") for at in range(1, len(content) - 3, 4))
    kind = _KINDS[content[0] % len(_KINDS)] if content else _KINDS[0]
    header = repr({"descr": kind, "fortran_order": False, "shape": lengths}).encode().ljust(118)
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + bytes(64)


def failure() -> Target:
    """JSON of a fuzzing run's failure: a model in numbers and names."""
    from export.fuzzing import failure_file
    from export.fuzzing.fuzz_error import FuzzError

    return functools.partial(_read, failure_file.read, "failure.json", (FuzzError,))


def recording() -> Target:
    """Recordings of any format."""
    from kws.datasets.recordings import audio_file
    from kws.datasets.recordings.not_audio import NotAudio

    return functools.partial(_read, audio_file.read, "recording.wav", (NotAudio,))


def bundle() -> Target:
    """A bundle in which a file, or an array in one, is other bytes, with right hashes: the first byte says which."""
    from export.bundle import detector_file, generated_c
    from export.bundle import folder as bundles
    from export.bundle import manifest as manifests

    whole = _bundle()
    places = _places(whole)
    copy = _scratch() / "copy"
    shutil.copytree(whole, copy, dirs_exist_ok=True)

    def run(content: bytes) -> bool:
        name, member = places[content[0] % len(places)] if content else places[0]
        (copy / name).write_bytes(_npz({member: content[1:]}, whole / name) if member else content[1:])
        if name == manifests.NAME:
            _seal(copy / name)
        elif not name.startswith(generated_c.FOLDER):
            manifest = json.loads((whole / manifests.NAME).read_bytes())
            manifest["files"][name] = manifests.sha256(copy / name)
            manifests.write(copy, manifest)
        try:
            read = bundles.load(copy)
            detector_file.of_bundle(read)
            read.metrics, read.float_model  # noqa: B018 (properties read)
            return True
        except Exception as error:
            if not getattr(type(error), "user_can_mend", False):  # as a command takes it: with a traceback
                raise
            _one_line(error)
            return False
        finally:
            shutil.copyfile(whole / name, copy / name)
            shutil.copyfile(whole / manifests.NAME, copy / manifests.NAME)

    return run


@functools.cache
def _bundle() -> pathlib.Path:
    from export.bundle.random_bundle import RandomBundleConfig, write_whole

    return write_whole(RandomBundleConfig(_scratch() / "whole", channels=4, blocks=1, clips=2)).path


def _places(whole: pathlib.Path) -> list[tuple[str, str]]:
    """A bundle's JSON and array files, and the first arrays in these: a changed byte of a file breaks its checksum."""
    from export.bundle import generated_c
    from export.bundle import manifest as manifests
    from export.model import detector

    written = f"{generated_c.FOLDER}/{generated_c.WRITTEN}"
    places = [(name, "") for name in (manifests.NAME, manifests.METRICS, detector.FILE, written)]
    for name in (manifests.INTEGER_MODEL, manifests.GOLDEN, manifests.FLOAT_WEIGHTS):
        with zipfile.ZipFile(whole / name) as archive:
            places += [(name, member) for member in ("", *archive.namelist()[:_MEMBERS])]
    return places


def _npz(changed: dict[str, bytes], like: pathlib.Path | None = None) -> bytes:
    """An .npz file of these contents, and of all others that another one has."""
    contents = {}
    if like:
        with zipfile.ZipFile(like) as archive:
            contents = {name: archive.read(name) for name in archive.namelist()}
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for name, content in (contents | changed).items():
            archive.writestr(name, content)
    return written.getvalue()


TARGETS: dict[str, Callable[[], Target]] = {
    "report": report,
    "bundle": bundle,
    "arrays": arrays,
    "failure": failure,
    "recording": recording,
}


def seeds(target: str) -> Iterator[bytes]:
    """What a target reads as whole, to begin with: a fuzzer would take long to find what a header is."""
    if target == "bundle":
        for i, (name, member) in enumerate(_places(_bundle())):
            path = _bundle() / name
            yield bytes([i]) + (zipfile.ZipFile(path).read(member) if member else path.read_bytes())
    if target == "arrays":
        path = _bundle() / "golden.npz"
        yield b"\0" + path.read_bytes()
        with zipfile.ZipFile(path) as archive:
            yield from (b"\1" + archive.read(name) for name in archive.namelist())
        yield b"\2\0\x40\0\0\0"
    if target == "failure":
        yield from (path.read_bytes() for path in sorted(FAILURES.glob("*.json")))
    if target == "recording":
        yield from _recordings()
    if target == "report":
        yield (
            b"FXP board=b counter=x engine=fxp model=a clips=1\nCALIBRATION instructions=10 ticks=20 step_error=0\n"
            b"CLIP index=0 class=1 score=5 instructions=10 logits=00ff label=yes\n"
            b"LAYER index=0 instructions=5 inferences=1\nSUMMARY clips=1 total=10 arena=1 stack=2\nEND status=0"
        )
        yield (
            b"FXP board=b counter=x engine=fxp model=abc frontend=def hops=4\n"
            b"CALIBRATION instructions=1000 ticks=2000 region=3 step_error=0\n"
            b"STEP index=0 class=-1 logits=00ff7f\nSTEP index=1 class=2 logits=00ff7f label=no\n"
            b"PART name=frontend calls=4 instructions=10 most=3\nPART name=network calls=2 instructions=10 most=3\n"
            b"PART name=detector calls=2 instructions=10 most=3\n"
            b"MEMORY frontend=1 network=2 detector=3 scratch=4 frames=5 stack=6\nEND status=0"
        )


_ARRAYS = (
    *(b"PK\x01\x02", b"PK\x03\x04", b"\x93NUMPY\x02\x00", b"'|O'", b"'<U1000000'", b"'<f8'", b"True"),
    *(b"'shape': (4294967296,)", b"'shape': (1000000000, 1000000000)", b"'shape': ()", b"9999999999"),
)
_JSON = (b"null", b"true", b"NaN", b"1e999", b"-1", b"4294967296", b"[]", b"{}", b'""', b'"\\ud800"', b"[[[[[[[[")
_REPORT = (
    *(b"\nCLIP index=", b"\nLAYER index=", b"\nSTEP index=", b"\nPART name=", b"\nMEMORY ", b"\nEND status=0"),
    *(b" arena=", b" stack=", b" clips=", b" hops=", b" logits=", b" label=", b"99999999999999999999", b"4294967296"),
)
_AUDIO = (b"RIFF", b"RF64", b"WAVE", b"fmt ", b"data", b"LIST", b"fLaC", b"OggS", b"\xff\xff\xff\xff", b"\xfe\xff")
WORDS = {
    "report": _REPORT,
    "bundle": (*_ARRAYS, *_JSON),
    "arrays": _ARRAYS,
    "failure": _JSON,
    "recording": _AUDIO,
}
"""Target -> what a fuzzer puts in and would take long to find: of a number's digits it only makes others."""


def write_words(target: str, path: pathlib.Path) -> None:
    """A fuzzer's dictionary."""
    words = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS[target])
    path.write_text("".join(f'"{word}"\n' for word in words), encoding="ascii")


def _recordings() -> Iterator[bytes]:
    """A tenth of a second of a tone in several formats, and at another rate."""
    import numpy as np
    import soundfile

    tone = 0.5 * np.sin(np.arange(_RATE // 10) / 5)
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        written = io.BytesIO()
        soundfile.write(written, tone, _RATE, subtype, format=kind)
        yield written.getvalue()
    written = io.BytesIO()
    soundfile.write(written, tone, 2 * _RATE, "PCM_16", format="WAV")
    yield written.getvalue()


@functools.cache
def _scratch() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="fxp-target-"))


def bounded(target: Target) -> Target:
    """A target that fails, too, where an input takes a gigabyte of addresses, of which a fuzzer sees what is touched,
    or ten seconds of CPU, where a fuzzer's are of a clock: on a busy machine others take them."""

    def run(content: bytes) -> bool:
        before, started = _most_addresses(), time.process_time()
        read = target(content)
        assert _most_addresses() - before < _MOST_ADDRESSES, "it takes a gigabyte"
        assert time.process_time() - started < _MOST_CPU_SECONDS, "it takes ten seconds"
        return read

    return run


def _most_addresses() -> int:
    """Bytes that this process had at most."""
    found = re.search(rb"VmPeak:\s*(\d+) kB", pathlib.Path("/proc/self/status").read_bytes())
    return 1024 * int(found[1]) if found else 0


def _read(
    read: Callable[[pathlib.Path], object], name: str, refusals: tuple[type[Exception], ...], content: bytes
) -> bool:
    path = _scratch() / name
    path.write_bytes(content)
    try:
        read(path)
        return True
    except refusals as error:
        _one_line(error)
        return False


def _one_line(error: Exception) -> None:
    """An error for a user is one line, and promised."""
    assert getattr(type(error), "user_can_mend", False) or isinstance(error, OSError | ValueError), repr(error)
    assert "\n" not in str(error).strip(), repr(error)


def _seal(path: pathlib.Path) -> None:
    """Gives a manifest its hash, where it is one: what a hash keeps out is not what is looked for."""
    from export.bundle import manifest as manifests

    try:
        value = json.loads(path.read_bytes())
        value["sha256"] = manifests.own_hash(value)
        path.write_text(json.dumps(value), encoding="utf-8")
    except (ValueError, TypeError, RecursionError, AttributeError):
        return


def main() -> None:
    """Fuzzes one target with the fuzzer's own arguments."""
    import atheris

    name, *arguments = sys.argv[1:]
    with atheris.instrument_imports(include=["kws_cli", "export", "kws", "microcontroller"]):
        target = TARGETS[name]()
    corpus = pathlib.Path(arguments[-1])
    for i, content in enumerate(seeds(name)):
        target(content)  # what is imported on first use takes no input's time
        (corpus / f"seed{i}").write_bytes(content)
    write_words(name, _scratch() / "words")
    atheris.Setup([sys.argv[0], f"-dict={_scratch() / 'words'}", *arguments], bounded(target))
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(_scratch(), ignore_errors=True)


if __name__ == "__main__":
    main()
