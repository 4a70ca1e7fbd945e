"""bundle.json: no bit of it can change unseen, and what it names belongs together."""

import json
import pathlib
from collections.abc import Callable

import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import manifest as manifests
from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle


@pytest.fixture
def bundle(make_bundle, small_model) -> Bundle:
    return make_bundle(small_model)


def sealed(bundle: Bundle, **changes: object) -> pathlib.Path:
    """A manifest whose own hash is right."""
    manifests.write(bundle.path, bundle.manifest | changes)
    return bundle.path


def test_no_bit_of_the_manifest_changes_unseen(bundle) -> None:
    path = bundle.path / manifests.NAME
    whole = path.read_bytes()
    known = json.loads(whole)
    rng = np.random.default_rng(0)
    refused = 0
    for place, bit in zip(rng.integers(0, len(whole), 300), rng.integers(0, 8, 300), strict=True):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)
        try:
            # White space may change to other white space.
            assert manifests.read(bundle.path) == known, whole[place - 20 : place + 20]
        except BundleError:
            refused += 1
    assert refused > 250


def test_a_changed_shift_of_the_front_end_is_refused(bundle) -> None:
    path = bundle.path / manifests.NAME
    path.write_text(path.read_text().replace("22,", "20,", 1))
    with pytest.raises(BundleError, match=r"bundle\.json is damaged or was changed \(its own sha256 differs\): write"):
        bundles.load(bundle.path)


def test_a_bundle_that_has_no_hash_of_itself_yet_is_read(bundle) -> None:
    old = {name: value for name, value in bundle.manifest.items() if name != "sha256"} | {"format_version": 2}
    (bundle.path / manifests.NAME).write_text(json.dumps(old))
    assert bundles.load(bundle.path).model.sha256 == bundle.model.sha256
    (bundle.path / manifests.NAME).write_text(json.dumps(bundle.manifest | {"format_version": 2}))
    with pytest.raises(BundleError, match="its own sha256 differs"):  # a newer one that says it is older
        bundles.load(bundle.path)
    (bundle.path / manifests.NAME).write_text(json.dumps(old | {"format_version": 3}))
    with pytest.raises(BundleError, match="its own sha256 differs"):
        bundles.load(bundle.path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": ["label2", "label1", "label0"]}, r"says labels 'label2, .*', the integer model 'label0, "),
        ({"labels": ["label0"]}, "says labels 'label0', the integer model"),
        ({"labels": []}, "says labels ''"),
        ({"name": "other"}, "says name 'other', the integer model 'random_ds_cnn'"),
        ({"model_sha256": "0" * 64}, "says model_sha256 '0000"),
        ({"files": {}}, r"does not name integer_model\.npz"),
        ({"files": []}, r"Expected `object`, got `array` - at `\$\.files`"),
        ({"frontend": None}, r"\$\.frontend"),
        ({"training": []}, r"\$\.training"),
        ({"c": None}, "says nothing of the C"),
        ({"c": {"profile": "fast", "files": {"../x.c": "0" * 64}}}, r"\$\.c\.files"),
        ({"labels": [1, 2, 3]}, r"Expected `str`, got `int` - at `\$\.labels\[0\]`"),
        ({"surprise": 1}, "unknown field `surprise`"),
    ],
)
def test_what_does_not_belong_together_is_refused(changes: dict, message: str, bundle) -> None:
    with pytest.raises(BundleError, match=message) as error:
        bundles.load(sealed(bundle, **changes))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "/dev/zero", "c/../../x", "a\nb", "x\n", ""])
def test_no_file_outside_the_bundle_is_read(name: str, bundle) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json can't be read \(.*files"):
        bundles.load(sealed(bundle, files=bundle.manifest["files"] | {name: "0" * 64}))


@pytest.mark.parametrize("name", ["keras_model.h5", "model.tflite", "detector.json", "float_weights.npz"])
def test_a_file_that_the_manifest_does_not_name_is_not_used(name: str, bundle) -> None:
    (bundle.path / name).write_bytes(b"from elsewhere")
    files = {file: value for file, value in bundle.manifest["files"].items() if file != name}
    with pytest.raises(BundleError, match=rf"bundle\.json does not name {name}"):
        bundles.load(sealed(bundle, files=files))


def test_a_front_end_of_another_model_is_refused(bundle) -> None:
    frontend = bundle.frontend | {"clip_samples": 16000}
    with pytest.raises(BundleError, match=r"front end gives features \(49, 6, 1\), the model takes \(12, 6, 1\)"):
        bundles.load(sealed(bundle, frontend=frontend))
    with pytest.raises(BundleError, match="and it isn't calibrated"):
        bundles.load(sealed(bundle, frontend=bundle.frontend | {"offsets": [], "shifts": []}))


def arrays_of(bundle: Bundle, **changes: np.ndarray) -> bytes:
    golden = bundle.golden
    named = {name: getattr(golden, name) for name in ("features", "labels", "logits_single", "logits_double")}
    path = bundle.path.with_name("golden.npz")
    np.savez(path, **({"clips": np.array(golden.clips)} | named | changes))
    return path.read_bytes()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": np.zeros((8, 11, 6, 1), np.int8)}, r"features are int8 \(8, 11, 6, 1\), expected int8 \(8, 12"),
        ({"features": np.zeros((8, 12, 6, 1))}, "features are float64"),
        ({"labels": np.array([99, -5])}, r"labels are int64 \(2,\)"),
        ({"labels": np.full(8, 3)}, "labels of classes that the model does not have"),
        ({"labels": np.full(8, -2)}, "labels of classes"),
        ({"logits_double": np.zeros((8, 2), np.int8)}, r"logits_double are int8 \(8, 2\)"),
        ({"clips": np.array(3)}, "can't be read"),
    ],
)
def test_golden_vectors_of_another_model_are_refused(
    change: dict, message: str, bundle, doctor: Callable[[Bundle, str, bytes], Bundle]
) -> None:
    with pytest.raises(BundleError, match=rf"golden\.npz(:| can't be read).*{message}|{message}"):
        doctor(bundle, bundles.GOLDEN, arrays_of(bundle, **change))


def test_metrics_that_cannot_be_read_are_one_line(bundle, doctor) -> None:
    for content in (b"nonsense", b"[]", b"[" * 100_000):
        with pytest.raises(BundleError, match=r"metrics\.json can't be read .*: write the bundle again"):
            doctor(bundle, bundles.METRICS, content).metrics  # noqa: B018 (the property raises)


def test_a_file_that_fills_the_disk_is_not_read(bundle) -> None:
    with (bundle.path / bundles.METRICS).open("r+b") as file:
        file.truncate(1 << 40)
    with pytest.raises(BundleError, match=r"metrics\.json has 1,099,511,627,776 bytes, expected at most 268,435,456: "):
        bundles.load(bundle.path)


@pytest.mark.parametrize(
    ("training", "place"),
    [
        ({"settings": []}, r"\$\.training\.settings"),
        ({"settings": {"dataset": "all"}}, r"\$\.training\.settings\.dataset"),
        ({"settings": {"method": {"qformat": 1}}}, r"\$\.training\.settings\.method\.qformat"),
        ({"data": "none"}, r"\$\.training\.data"),
        ({"teachers": {"float_teachers": []}}, r"\$\.training\.teachers\[\.\.\.\]"),
        ({"environment": {"numpy": []}}, r"\$\.training\.environment"),
        ({"command": ["rm"]}, r"\$\.training\.command"),
    ],
)
def test_a_training_of_another_shape_is_refused(training: dict, place: str, bundle) -> None:
    with pytest.raises(BundleError, match=place):
        bundles.load(sealed(bundle, training=training))


def test_text_that_nobody_can_write_is_refused(bundle, doctor: Callable[[Bundle, str, bytes], Bundle]) -> None:
    with pytest.raises(BundleError, match=r"bundle\.json can't be read \(text with '\\ud800'"):
        bundles.load(sealed(bundle, training={"command": "\ud800"}))
    sealed(bundle)
    with pytest.raises(BundleError, match=r"metrics\.json can't be read \(text with '\\ud800'"):
        doctor(bundle, bundles.METRICS, b'{"\\ud800": 1}').metrics  # noqa: B018 (the property reads)


def test_golden_vectors_have_a_list_of_names(bundle, doctor: Callable[[Bundle, str, bytes], Bundle]) -> None:
    with pytest.raises(BundleError, match=r"clips are of shape \(8, 1\), expected a list of names"):
        doctor(bundle, bundles.GOLDEN, arrays_of(bundle, clips=np.array(bundle.golden.clips)[:, None]))
