"""What Atheris calls with bytes: readers of reports, bundles, failures' JSON, arrays and recordings.

python -m scripts.fuzz_targets report CORPUS -max_total_time=60
"""

import functools
import json
import pathlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator

Target = Callable[[bytes], None]


def report() -> Target:
    """Both parsers of what a firmware says on its UART."""
    from microcontroller.measurement import protocol
    from microcontroller.measurement.protocol import DeviceError
    from microcontroller.streaming import protocol as stream_protocol

    def run(content: bytes) -> None:
        lines = content.decode(errors="replace").split("\n")
        for parse in (protocol.parse, stream_protocol.parse):
            try:
                parse(lines)
            except DeviceError as error:
                _one_line(error)

    return run


def arrays() -> Target:
    """Arrays of an .npz file."""
    from kws_cli import array_file

    return functools.partial(_read, array_file.read, "arrays.npz", (OSError, ValueError))


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
    """A bundle in which one file is other bytes, with the right hashes: the first byte says which."""
    from export.bundle import folder as bundles
    from export.bundle import manifest as manifests
    from export.bundle.random_bundle import RandomBundleConfig, write

    whole = write(RandomBundleConfig(_scratch() / "whole", channels=4, blocks=1, clips=2)).path
    names = (manifests.NAME, manifests.INTEGER_MODEL, manifests.GOLDEN, manifests.METRICS)
    copy = _scratch() / "copy"
    shutil.copytree(whole, copy)

    def run(content: bytes) -> None:
        name = names[content[0] % len(names)] if content else names[0]
        (copy / name).write_bytes(content[1:])
        if name == manifests.NAME:
            _seal(copy / name)
        else:
            manifest = json.loads((whole / manifests.NAME).read_bytes())
            manifest["files"][name] = manifests.sha256(copy / name)
            manifests.write(copy, manifest)
        try:
            bundles.load(copy).metrics  # noqa: B018 (the property reads)
        except ValueError as error:
            _one_line(error)
        shutil.copyfile(whole / name, copy / name)
        shutil.copyfile(whole / manifests.NAME, copy / manifests.NAME)

    return run


TARGETS: dict[str, Callable[[], Target]] = {
    "report": report,
    "bundle": bundle,
    "arrays": arrays,
    "failure": failure,
    "recording": recording,
}


def seeds(target: str) -> Iterator[bytes]:
    """Whole files to begin with; a fuzzer would take long to find what a zip is."""
    if target == "bundle":
        from export.bundle.random_bundle import RandomBundleConfig, write

        whole = write(RandomBundleConfig(_scratch() / "seed", channels=4, blocks=1, clips=2)).path
        for i, name in enumerate(("bundle.json", "integer_model.npz", "golden.npz", "metrics.json")):
            yield bytes([i]) + (whole / name).read_bytes()
    if target == "report":
        yield (
            b"FXP board=b counter=x engine=fxp model=a clips=1\nCALIBRATION instructions=10 ticks=20 step_error=0\n"
            b"CLIP index=0 class=1 score=5 instructions=10 logits=00ff label=yes\n"
            b"LAYER index=0 instructions=5 inferences=1\nSUMMARY clips=1 total=10 arena=1 stack=2\nEND status=0"
        )


@functools.cache
def _scratch() -> pathlib.Path:
    return pathlib.Path(tempfile.mkdtemp(prefix="fxp-target-"))


def _read(
    read: Callable[[pathlib.Path], object], name: str, refusals: tuple[type[Exception], ...], content: bytes
) -> None:
    path = _scratch() / name
    path.write_bytes(content)
    try:
        read(path)
    except refusals as error:
        _one_line(error)


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
