"""What Atheris calls with bytes: readers of reports, bundles, failures' JSON, arrays and recordings.

python -m scripts.fuzz_targets report CORPUS -max_total_time=60
"""

import functools
import io
import json
import pathlib
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator

Target = Callable[[bytes], bool]
"""Bytes -> whether they were read; False where they were refused as promised."""
FAILURES = pathlib.Path(__file__).resolve().parents[1] / "tests" / "export" / "fuzzing" / "corpus"
_MEMBERS = 3
_RATE = 16_000


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
    """Arrays of an .npz file: the file itself, or what one of them is in it; the first byte says which."""
    from kws_cli import array_file

    read = functools.partial(_read, array_file.read, "arrays.npz", (OSError, ValueError))
    return lambda content: read(_npz({"a.npy": content[1:]}) if content[:1] == b"\1" else content[1:])


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
        else:
            manifest = json.loads((whole / manifests.NAME).read_bytes())
            manifest["files"][name] = manifests.sha256(copy / name)
            manifests.write(copy, manifest)
        try:
            bundles.load(copy).metrics  # noqa: B018 (the property reads)
            return True
        except ValueError as error:
            _one_line(error)
            return False
        finally:
            shutil.copyfile(whole / name, copy / name)
            shutil.copyfile(whole / manifests.NAME, copy / manifests.NAME)

    return run


@functools.cache
def _bundle() -> pathlib.Path:
    from export.bundle.random_bundle import RandomBundleConfig, write

    return write(RandomBundleConfig(_scratch() / "whole", channels=4, blocks=1, clips=2)).path


def _places(whole: pathlib.Path) -> list[tuple[str, str]]:
    """A bundle's JSON and array files, and the first arrays in these: a changed byte of a file breaks its checksum."""
    from export.bundle import manifest as manifests

    places = [(name, "") for name in (manifests.NAME, manifests.METRICS)]
    for name in (manifests.INTEGER_MODEL, manifests.GOLDEN):
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


def _recordings() -> Iterator[bytes]:
    """A tenth of a second of a tone in several formats."""
    import numpy as np
    import soundfile

    tone = 0.5 * np.sin(np.arange(_RATE // 10) / 5)
    for kind, subtype in (("WAV", "PCM_16"), ("WAV", "FLOAT"), ("WAV", "ULAW"), ("FLAC", "PCM_16"), ("OGG", "VORBIS")):
        written = io.BytesIO()
        soundfile.write(written, tone, _RATE, subtype, format=kind)
        yield written.getvalue()


@functools.cache
def _scratch() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="fxp-target-"))


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
        (corpus / f"seed{i}").write_bytes(content)
    atheris.Setup([sys.argv[0], *arguments], target)
    try:
        atheris.Fuzz()
    finally:
        shutil.rmtree(_scratch(), ignore_errors=True)


if __name__ == "__main__":
    main()
