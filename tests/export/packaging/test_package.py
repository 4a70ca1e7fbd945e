"""The command: what it writes, and what it says of what it can't take."""

import dataclasses
import json
import pathlib
import re
import shutil
import subprocess
import sys
import wave
import zipfile
from collections.abc import Callable

import numpy as np
import packages
import pytest

from export.bundle import detector_file, tflite
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.model.integer_model import IntegerModel
from export.packaging import package, readme, self_test_clip
from export.packaging.library import Member
from export.packaging.package import PackageConfig
from export.packaging.packaging_error import PackagingError

WORDS = packages.MODELS / "w4a8"


def refused(
    folder: pathlib.Path, message: str, bundles: tuple[pathlib.Path, ...] = (WORDS,), **settings: object
) -> None:
    """The package is refused with this message, and nothing is left in the folder."""
    before = sorted(folder.rglob("*"))
    config = {"target": "cmake", "output": folder / "kws.zip", **settings}
    with pytest.raises(ValueError, match=message) as error:
        package.write(PackageConfig(bundles, **config))
    assert error.type.user_can_mend and "\n" not in str(error.value)
    assert sorted(folder.rglob("*")) == before


def test_the_same_bundle_gives_the_same_bytes(tmp_path: pathlib.Path) -> None:
    for name in ("a.zip", "b.zip"):
        package.write(PackageConfig((WORDS,), "cmake", tmp_path / name))
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {entry.external_attr >> 16 for entry in entries} == {0o100644}


def test_settings_are_checked(tmp_path: pathlib.Path) -> None:
    refused(tmp_path, "target=amiga is unknown: choose one of", target="amiga")
    refused(tmp_path, "profile=best is unknown: choose one of auto, fast", profile="best")
    refused(tmp_path, r"max_ram=8192: model \w+ needs \d{5} bytes at least, 640 of them stack \(", max_ram=8192)
    refused(tmp_path, "max_ram=1 is of this project's kernels: leave it out", max_ram=1, target="tflm")
    refused(tmp_path, "prefix=Kws begins no C name", prefixes=("Kws",))
    refused(tmp_path, "prefix=a,b for 1 bundles: give one for each", prefixes=("a", "b"))
    refused(tmp_path, "w4a8, .*w4a8: folders of one name give .* one prefix: give prefix=A,B", bundles=(WORDS, WORDS))
    refused(tmp_path, "package_version=1.0: expected three numbers", version="1.0")
    refused(tmp_path, "package_version=.*: expected three numbers", version="\u0661.0.0")
    refused(tmp_path, "clip=.*missing.wav can't be read: No such file", clip=tmp_path / "missing.wav")
    refused(tmp_path, "0 bundles: give 1 to 8", bundles=())
    refused(tmp_path, "2 bundles with target=tflm: give one", bundles=(WORDS, WORDS.parent / "w8a8"), target="tflm")
    refused(tmp_path, "label_names=hey:hi names no label: choose of _silence_, ", label_names={"hey": "hi"})
    refused(tmp_path, "maintainer=Ada: expected a name and an address", maintainer="Ada")
    refused(tmp_path, 'url=https://a"b: expected an address', url='https://a"b')
    refused(tmp_path, "vendor=A/B: expected letters and digits", vendor="A/B")


def test_an_output_that_exists_stays(tmp_path: pathlib.Path) -> None:
    (tmp_path / "kws.zip").write_text("mine")
    refused(tmp_path, "output=.*kws.zip exists: remove it, or give another path")
    refused(tmp_path, "output=.* exists", output=tmp_path)
    (tmp_path / "link.zip").symlink_to("nowhere")
    refused(tmp_path, "output=.*link.zip exists", output=tmp_path / "link.zip")
    assert (tmp_path / "kws.zip").read_text() == "mine"
    refused(tmp_path, "can't write output=.*kws.zip/a.zip: Not a directory", output=tmp_path / "kws.zip" / "a.zip")
    refused(tmp_path, "can't write output=/proc/a.zip: ", output=pathlib.Path("/proc/a.zip"))


def test_bundles_without_what_a_package_needs_are_refused(
    tmp_path: pathlib.Path, make_bundle: Callable[..., Bundle], small_model: IntegerModel
) -> None:
    silent = make_bundle(small_model)
    refused(tmp_path, "has no detector: write one with python -m kws.tune_detector", bundles=(silent.path,))
    make_bundle(small_model, frontend={})
    refused(tmp_path, "has no front end", bundles=(silent.path,))
    refused(tmp_path, "is not a folder", bundles=(tmp_path / "none",))
    damaged = tmp_path / "damaged"
    shutil.copytree(WORDS, damaged, ignore=shutil.ignore_patterns("c"))
    with (damaged / "integer_model.npz").open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\1\2\3")
    refused(tmp_path, "is damaged or was changed", bundles=(damaged,))


@pytest.mark.parametrize("content", [b"\xff\xfe", b"x" * (1 << 21)])
def test_a_card_of_somebody_else_may_be_anything(
    content: bytes, tmp_path: pathlib.Path, make_bundle: Callable[..., Bundle], small_model: IntegerModel
) -> None:
    bundle = make_bundle(small_model, card="")
    (bundle.path / bundles.CARD).write_bytes(content)
    with pytest.raises(BundleError, match=r"MODEL_CARD\.md can't be read \(.*\): write it again with python -m export"):
        readme.card(bundle)


def test_a_tflite_of_somebody_else_is_not_run(
    tmp_path: pathlib.Path, make_bundle: Callable[..., Bundle], small_model: IntegerModel
) -> None:
    """A package has the one that this program writes from the integer model."""
    bundle = make_bundle(small_model, tflite=b"hostile")
    package.write(PackageConfig((bundle.path,), "tflm", tmp_path / "kws.zip"))
    with zipfile.ZipFile(tmp_path / "kws.zip") as archive:
        assert archive.read("fxp_kws/model.tflite") == tflite.to_tflite(small_model)


def test_labels_are_no_markdown(tmp_path: pathlib.Path) -> None:
    config = PackageConfig((WORDS,), "cmake", tmp_path / "kws.zip")
    members, sources = package.modelled(config)
    subject = members[0].subject
    hostile = dataclasses.replace(subject, labels=("<script>`", "[a](b)", *subject.labels[2:]))
    made = package.contents(config, [dataclasses.replace(members[0], subject=hostile)], sources)
    assert "Labels: `` <script>` ``, `[a](b)`, `yes`" in made["fxp_kws/README.md"].decode()


def test_the_command_says_it_in_one_line(tmp_path: pathlib.Path) -> None:
    def said(*flags: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "export.package", *flags]
        done = subprocess.run(command, cwd=packages.ROOT, capture_output=True, text=True)
        return done.returncode, done.stderr

    output = f"--output={tmp_path / 'a.zip'}"
    assert said("--target=cmake", output) == (2, "error: --bundle is required: give --bundle=... (see --help)\n")
    code, line = said(f"--bundle={WORDS}", "--target=amiga", output)
    assert code == 2 and line.startswith("error: --target=amiga is unknown: choose one of") and line.count("\n") == 1
    several = said(f"--bundle={WORDS},{WORDS.parent / 'w8a8'}", "--target=cmake", "--prefix=a,b,c", output)
    assert several == (2, "error: --prefix=a,b,c for 2 bundles: give one for each\n")
    assert not list(tmp_path.iterdir())


def test_the_command_says_which_profiles_fit(tmp_path: pathlib.Path) -> None:
    flags = (f"--bundle={WORDS}", "--target=cmake", "--max_ram=15100", f"--output={tmp_path / 'a.zip'}")
    command = [sys.executable, "-m", "export.package", *flags]
    done = subprocess.run(command, cwd=packages.ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^    dsp, scalar \(profile packed\): 14,\d{3} bytes of RAM$", done.stdout, re.MULTILINE)
    assert "    within 15,100 bytes with 640 of stack: profile packed in place of fast on dsp\n" in done.stdout


def test_a_clip_of_ones_own_is_played(tmp_path: pathlib.Path) -> None:
    samples = np.random.default_rng(0).integers(-2000, 2000, 16100).astype(np.int16)
    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setframerate(16000)
        file.setnchannels(1)
        file.setsampwidth(2)
        file.writeframes(samples.tobytes())
    [member] = package.write(PackageConfig((WORDS,), "cmake", tmp_path / "a.zip", clip=tmp_path / "a.wav"))
    assert np.array_equal(member.clip.samples, samples) and len(member.clip.logits) == 25
    (tmp_path / "short.wav").write_bytes((tmp_path / "a.wav").read_bytes()[:3000])
    with pytest.raises(PackagingError, match=r"clip=.*short.wav has 0.09 s: give 1 to 10 s"):
        self_test_clip.read(tmp_path / "short.wav")
    (tmp_path / "bad.wav").write_bytes(b"RIFF")
    with pytest.raises(PackagingError, match=r"clip=.*bad.wav can't be read \(.+\): give a WAV file"):
        self_test_clip.read(tmp_path / "bad.wav")


def test_the_loop_in_the_readme_compiles(
    one: tuple[pathlib.Path, Member], two: tuple[pathlib.Path, list[Member]], tmp_path: pathlib.Path
) -> None:
    for (root, _), models in ((one, 1), (two, 2)):
        text = (root / "README.md").read_text(encoding="utf-8")
        [loop] = re.findall(r"^```c\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        includes, states, body = loop.split("\n\n")
        assert includes.count("#include") == states.count("_scratch ") == body.count("_push(") == models
        needed = "#include <stdio.h>\nsize_t next_block(int16_t *block);"
        program = f"{includes}\n{needed}\n{states}\nint main(void) {{\nint16_t block[320];\n{body}}}\n"
        (tmp_path / "loop.c").write_text(program)
        packages.run(["gcc", *packages.host_flags(), f"-I{root / 'src'}", "-fsyntax-only", "loop.c"], tmp_path)
        assert text.count("_self_test`") == models


def detector_of(folder: pathlib.Path, record: dict) -> Bundle:
    """The words' bundle, whose detector.json says this of how it was chosen."""
    bundle = bundles.load(shutil.copytree(WORDS, folder / "b"))
    return bundles.add(bundle, detector_file.bundle_files(detector_file.of_bundle(bundle), record))


def test_the_readme_says_how_well_the_detector_hears(one: tuple[pathlib.Path, Member]) -> None:
    found = json.loads((WORDS / "detector.json").read_text())["there"]
    text = (one[0] / "README.md").read_text(encoding="utf-8")
    assert "tuned for 8 false alarms per hour on 0.42 h of `speech` and 0.09 h of `noise` of validation" in text
    assert f"{found['expected_false_alarms_per_hour']:.2f} per hour are expected there" in text
    assert f"{found['negatives']['all']['false_alarms']} counted" in text
    for name, words in found["words"].items():
        assert f"`{name}` {100 - 100 * words['miss_rate']:.1f} % of {words['spoken']:,}" in text
    up = found["words"]["30 dB"]["keywords"]["up"]
    assert f"`up` {100 - 100 * up['miss_rate']:.1f} % of {up['spoken']}" in text


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "How well it hears in a stream is not recorded in its bundle: measure it with"),
        ({"tuned_for": "a test", "there": {"miss_rate": "low"}}, "is not recorded"),
        (
            {
                "tuned_for": {"false_alarms_per_hour": 2.0},
                "there": {"miss_rate": 0.25, "false_alarms_per_hour": 1.5},
                "tuned_on": "0123",
            },
            "tuned for 2 false alarms per hour on a recording composed of clips of validation, without other speech or "
            "noise: there 75.0 % of the words are heard, with 1.50 false alarms per hour. It was chosen with another",
        ),
    ],
)
def test_the_readme_invents_nothing_about_the_detector(record: dict, said: str, tmp_path: pathlib.Path) -> None:
    assert said in readme._hearing(detector_of(tmp_path, record))


@pytest.mark.parametrize(("output", "lines"), [("kws.zip", 1), ("Example.fxp_kws.1.0.0.pack", 0)])
def test_a_pack_is_told_its_name(output: str, lines: int, tmp_path: pathlib.Path) -> None:
    command = [sys.executable, "-m", "export.package", f"--bundle={WORDS}", "--target=cmsis-pack"]
    printed = packages.run([*command, f"--output={tmp_path / output}"], packages.ROOT)
    assert printed.count("is called Example.fxp_kws.1.0.0.pack: rename it") == lines


@pytest.mark.parametrize("name", sorted(path.parent.name for path in packages.MODELS.glob("*/bundle.json")))
def test_every_pretrained_bundle_hears_its_clip(name: str) -> None:
    bundle = bundles.load_hearing(packages.MODELS / name)
    clip = self_test_clip.of_bundle(bundle, detector_file.of_bundle(bundle))
    assert clip.label >= 0 and len(clip.samples) < 3 * 16000
