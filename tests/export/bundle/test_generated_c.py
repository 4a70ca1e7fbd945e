"""Only C that this program writes is used: missing or another version's is written, edited is refused."""

import json
import os
import pathlib
import shutil

import pytest

from export.bundle import detector_file, generated_c
from export.bundle import folder as bundles
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.host.engine import CEngine
from export.model import detector as detectors
from export.model import random_model
from export.source import detector_source, frontend_source
from kws_cli import atomic

STALE = "/* What another version wrote. */\n"


def on_disk(folder: pathlib.Path) -> dict[str, str]:
    return {file.name: file.read_text() for file in folder.iterdir() if file.name != generated_c.WRITTEN}


@pytest.fixture
def bundle(make_bundle, small_model) -> Bundle:
    return make_bundle(small_model)


@pytest.fixture
def stale(bundle) -> Bundle:
    """The bundle with C of another version of this program, of which one file is no longer written."""
    shutil.rmtree(bundle.path / "c")
    generated_c.write(bundle.path / "c", {**bundle.c_files, "fxp_model.c": STALE, "fxp_former.h": STALE})
    return bundles.load(bundle.path)


def test_a_bundle_is_written_with_its_c(bundle) -> None:
    assert bundle.c_folder == bundle.path / "c"
    assert on_disk(bundle.c_folder) == bundle.c_files
    assert bundle.manifest["c"] == {"profile": "fast", "files": generated_c.hashes(bundle.c_files)}
    assert {"fxp_model.c", "fxp_stream_model.c", frontend_source.SOURCE, "plan.txt"} <= bundle.c_files.keys()


def test_missing_c_is_written(bundle) -> None:
    shutil.rmtree(bundle.path / "c")
    before = {path.name for path in bundle.path.iterdir()}
    again = bundles.load(bundle.path)
    assert {path.name for path in bundle.path.iterdir()} == before  # opening a bundle writes nothing
    assert on_disk(again.c_folder) == bundle.c_files and again.c_folder == bundle.path / "c"
    assert {path.name for path in bundle.path.iterdir()} == before | {"c"}
    with CEngine.build(bundles.load(bundle.path).c_folder) as engine:
        assert (engine.run(again.golden.features) == again.golden.logits_single).all()


def test_c_of_which_the_manifest_alone_is_left_is_written(bundle) -> None:
    for name in bundle.c_files:
        (bundle.path / "c" / name).unlink()
    assert on_disk(bundles.load(bundle.path).c_folder) == bundle.c_files


def test_c_of_another_version_is_written_again(stale) -> None:
    assert on_disk(stale.c_folder) == stale.c_files
    assert on_disk(bundles.load(stale.path).c_folder) == stale.c_files


def test_c_of_another_version_is_not_compiled_where_it_cannot_be_replaced(stale, monkeypatch) -> None:
    def read_only(*arguments: object, **settings: object) -> None:
        raise PermissionError("read-only")

    with monkeypatch.context() as patched:
        patched.setattr(atomic, "_move", read_only)
        folder = stale.c_folder
        assert bundles.load(stale.path).c_folder == folder
    assert stale.path not in folder.parents and on_disk(folder) == stale.c_files
    assert (stale.path / "c" / "fxp_model.c").read_text() == STALE
    assert not [path for path in stale.path.iterdir() if path.name.startswith(".")]


def test_c_that_another_process_wrote_first_is_taken(stale, monkeypatch) -> None:
    write = generated_c.write

    def late(path: pathlib.Path, texts: dict[str, str]) -> None:
        shutil.rmtree(stale.path / "c")
        write(stale.path / "c", texts)
        raise OSError("Directory not empty")

    monkeypatch.setattr(generated_c, "write", late)
    assert stale.c_folder == stale.path / "c"


def test_c_that_was_edited_after_opening_is_refused(bundle) -> None:
    (bundle.path / "c" / "fxp_model.c").write_text("int main(void) { return 0; }\n")
    with pytest.raises(BundleError, match=r"fxp_model\.c is damaged or was changed .*: remove .*written again"):
        bundle.c_folder  # noqa: B018 (the property raises)


def test_a_file_that_could_be_included_is_refused(bundle) -> None:
    (bundle.path / "c" / "string.h").write_text("")
    with pytest.raises(BundleError, match=r"string\.h is none of the files that this program writes"):
        bundles.load(bundle.path)
    (bundle.path / "c" / "string.h").rename(bundle.path / "c" / "notes.txt")
    assert bundles.load(bundle.path).c_folder == bundle.path / "c"


def test_a_manifest_of_c_that_cannot_be_read_is_one_line(bundle) -> None:
    for broken in ("", "3"):
        (bundle.path / "c" / generated_c.WRITTEN).write_text(broken)
        with pytest.raises(BundleError, match=r"written\.json can't be read .*: remove "):
            bundles.load(bundle.path)


def test_names_in_it_do_not_lead_out_of_the_folder(bundle) -> None:
    for name in ("/etc/hostname", "../bundle.json", "a/b", ""):
        (bundle.path / "c" / generated_c.WRITTEN).write_text(json.dumps({name: "0" * 64}))
        with pytest.raises(BundleError, match=r"written\.json can't be read \(Expected `str` matching regex"):
            bundles.load(bundle.path)


def test_without_a_manifest_of_its_own_the_bundles_counts(bundle) -> None:
    (bundle.path / "c" / generated_c.WRITTEN).unlink()
    assert bundles.load(bundle.path).c_folder == bundle.path / "c"
    (bundle.path / "c" / "fxp_model.c").write_text(STALE)
    with pytest.raises(BundleError, match=r"fxp_model\.c is damaged or was changed"):
        bundles.load(bundle.path)


def test_a_detector_is_in_the_c_once_it_is_added(bundle) -> None:
    detector = detectors.default(bundle.model)
    added = bundles.add(bundle, detector_file.bundle_files(detector, {}))
    for name, text in detector_source.generate(detector).items():
        assert on_disk(added.c_folder)[name] == text
        assert added.manifest["c"]["files"][name] == generated_c.hashes({name: text})[name]


def test_a_bundle_with_its_c_among_the_other_files_is_read(bundle) -> None:
    """As format version 1 had it."""
    manifest = bundle.manifest
    among = {f"c/{name}": value for name, value in manifest["c"]["files"].items()}
    old = {name: value for name, value in manifest.items() if name not in ("c", "sha256")}
    old |= {"format_version": 1, "files": manifest["files"] | among}
    (bundle.path / bundles.MANIFEST).write_text(json.dumps(old))
    (bundle.path / "c" / generated_c.WRITTEN).unlink()
    read = bundles.load(bundle.path)
    del old["format_version"], old["files"]
    assert read.manifest.items() >= old.items()
    assert (read.manifest["files"], read.manifest["c"]) == (manifest["files"], manifest["c"]) and on_disk(
        read.c_folder
    ) == bundle.c_files
    (bundle.path / "c" / "fxp_model.c").write_text(STALE)
    with pytest.raises(BundleError, match=r"fxp_model\.c is damaged or was changed"):
        bundles.load(bundle.path)


def test_a_part_without_c_is_one_line(bundle) -> None:
    bundle.manifest["c"]["profile"] = "quick"
    with pytest.raises(BundleError, match="has no C in profile quick: "):
        bundle.c_folder  # noqa: B018 (the property raises)


def test_a_network_whose_stream_has_no_kernel_has_c_for_one_window() -> None:
    model = random_model.ds_cnn(3, input_shape=(100, 40, 1), channels=12, blocks=1, first_stride=(1, 1))
    texts = generated_c.files(model, {}, None)
    assert "fxp_model.c" in texts and "fxp_stream_model.c" not in texts
    assert texts["stream_plan.txt"].startswith("no streaming network: layer layer3_average_pool")


def test_a_pipe_is_not_waited_for(bundle) -> None:
    texts, plan, manifest = bundle.c_files, *(bundle.path / "c" / name for name in ("plan.txt", generated_c.WRITTEN))
    plan.unlink()
    os.mkfifo(plan)
    assert not generated_c._holds(plan.parent, texts)
    manifest.unlink()
    os.mkfifo(manifest)
    with pytest.raises(BundleError, match=r"written\.json is no file: remove"):
        bundles.load(bundle.path)


def test_c_that_fills_the_disk_is_not_read(bundle) -> None:
    with (bundle.path / "c" / "fxp_model.c").open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match=r"fxp_model\.c has more than 67,108,864 bytes: remove"):
        bundles.load(bundle.path)


@pytest.mark.parametrize("target", ["precious", "missing"])
def test_a_link_in_place_of_the_folder_is_not_followed(bundle, tmp_path, target: str) -> None:
    """It was, and a folder elsewhere was replaced by C."""
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "thesis.txt").write_text("years of work")
    shutil.rmtree(bundle.path / "c")
    (bundle.path / "c").symlink_to(tmp_path / target)
    for use in (lambda: bundles.load(bundle.path), lambda: bundle.c_folder):
        with pytest.raises(BundleError, match="c is a link to elsewhere: remove"):
            use()
    assert [path.name for path in (tmp_path / "precious").iterdir()] == ["thesis.txt"]
    assert not (tmp_path / "missing").exists()
