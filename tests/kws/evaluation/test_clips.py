"""A bundle on clips: of one split alone, with the float model beside it, from folders that nothing was trained on."""

import dataclasses
import pathlib
import shutil

import corpus
import numpy as np
import pytest

from export.bundle import folder as bundles
from export.bundle import random_bundle, tflite
from export.bundle.folder import Bundle
from export.model import float_model, random_model
from kws import datasets
from kws.datasets import DatasetConfig
from kws.evaluation import clips, metrics
from kws.evaluation.clips import EvaluateConfig
from kws.evaluation.evaluation_error import EvaluationError
from kws.examples import extraction

LABELS = ("_silence_", "_unknown_", "yes", "no")


def write_bundle(path: pathlib.Path, labels: tuple[str, ...] = LABELS, with_float: bool = True) -> Bundle:
    """A random model that hears, with float weights that are its integers."""
    model = random_model.ds_cnn(0, channels=4, blocks=1, classes=len(labels))
    model = dataclasses.replace(model, labels=labels)
    weights = {}
    for layer in model.layers:
        if layer.op != "average_pool":
            lsb = layer.weight_format.lsb
            weights[f"{layer.name}.kernel"] = (layer.kernel * lsb).astype(np.float32)
            weights[f"{layer.name}.bias"] = (layer.bias * lsb * layer.input_format.lsb).astype(np.float32)
    codes = random_model.codes(0, model, 3)
    return bundles.write(
        path,
        model=model,
        tflite=tflite.to_tflite(model),
        golden=bundles.golden_vectors(model, ("a", "b", "c"), codes, np.zeros(3, np.int64)),
        frontend=random_bundle.FRONTEND.to_json(),
        keras_model=None,
        card="",
        metrics={"float": {"testing": {"accuracy": 0.99}}},
        float_weights=weights if with_float else None,
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    return corpus.write(tmp_path_factory.mktemp("corpus"))


@pytest.fixture
def testing_alone(data: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
    """A folder with the testing clips and their list, and nothing else but clips of silence."""
    root = tmp_path / "testing"
    names = (data / "testing_list.txt").read_text().split()
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(data / name, root / name)
    shutil.copyfile(data / "testing_list.txt", root / "testing_list.txt")
    rng = np.random.default_rng(0)
    for i in range(5):
        corpus.write_wav(root / "_silence_" / f"{i}.wav", rng.normal(0, 10**i, 16000).clip(-32768, 32767))
    return root


def config_of(bundle: Bundle, root: pathlib.Path, **settings: object) -> EvaluateConfig:
    return EvaluateConfig(bundle.path, DatasetConfig("speech_commands", str(root), processes=1, **settings))


def test_the_float_model_is_measured_on_the_same_clips(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    config = config_of(bundle, data)
    result = clips.evaluate(config)
    testing = datasets.load(dataclasses.replace(config.dataset, words=("yes", "no"))).splits["testing"]
    codes = extraction.extract(testing.samples, bundle.frontend_config, processes=1)
    expected = metrics.summary(float_model.run(bundle.float_model, codes), testing.labels, LABELS)
    assert result["float"] == {name: expected[name] for name in expected if name not in ("confusion", "det")}
    assert result["clips"] == len(testing) == 3 * corpus.EVALUATION + 1
    accuracy = result["against_float"]["accuracy"]
    assert accuracy["difference"] == result["accuracy"] - result["float"]["accuracy"]
    low, high = accuracy["interval"]
    assert low <= accuracy["difference"] <= high
    # Six speakers, each with a clip of every word, and a clip of silence.
    against = result["against_float"]
    assert (against["speakers"], against["without_speaker"]) == (corpus.EVALUATION + 1, 1)
    text = clips.table(result)
    assert (
        f"{100 * result['float']['accuracy']:.2f}" in text
        and "bootstrap over 7 speakers (1 of them clips whose" in text
    )
    assert [*LABELS, "recall"] in [line.split() for line in text.splitlines()]


def test_a_bundle_without_float_weights_says_so(data: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", with_float=False)
    result = clips.evaluate(config_of(bundle, data, words=("yes", "no")))
    assert result["float"] is None and result["against_float"] is None
    text = clips.table(result)
    assert "no float model to compare with: this bundle carries no float weights" in text and "99" not in text


def test_a_testing_list_alone_is_enough(testing_alone: pathlib.Path, tmp_path: pathlib.Path, capsys) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    result = clips.evaluate(config_of(bundle, testing_alone))
    assert np.sum(result["confusion"], axis=1).tolist() == [5, 6, 6, 6]
    assert "warning" not in capsys.readouterr().err
    shutil.rmtree(testing_alone / "_silence_")
    shutil.rmtree(testing_alone / "no")
    result = clips.evaluate(config_of(bundle, testing_alone))
    assert np.sum(result["confusion"], axis=1).tolist() == [0, 6, 6, 0]
    assert "no testing clips of _silence_, no: accuracy says nothing" in capsys.readouterr().err
    with pytest.raises(datasets.DatasetError, match="has no validation_list"):
        clips.evaluate(dataclasses.replace(config_of(bundle, testing_alone), split="validation"))


def test_silence_that_the_list_names_is_its_splits(testing_alone: pathlib.Path, tmp_path: pathlib.Path) -> None:
    with (testing_alone / "testing_list.txt").open("a") as file:
        file.write("_silence_/1.wav\n_silence_/3.wav\n")
    result = clips.evaluate(config_of(write_bundle(tmp_path / "bundle"), testing_alone))
    assert np.sum(result["confusion"], axis=1)[0] == 2


def test_words_that_are_no_class_are_left_out(testing_alone: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", labels=("_silence_", "yes", "bird"))
    result = clips.evaluate(config_of(bundle, testing_alone))
    assert np.sum(result["confusion"], axis=1).tolist() == [5, 6, 6]


def test_silence_in_a_folder_of_own_recordings(data: pathlib.Path, testing_alone: pathlib.Path, tmp_path) -> None:
    root = tmp_path / "own"
    shutil.copytree(data, root)
    shutil.copytree(testing_alone / "_silence_", root / "_silence_")
    bundle = write_bundle(tmp_path / "bundle")
    config = EvaluateConfig(bundle.path, DatasetConfig("folder", str(root), negatives="none", processes=1))
    whole = datasets.load(dataclasses.replace(config.dataset, words=("yes", "no")))
    expected = np.bincount(whole.splits["testing"].labels, minlength=4)
    result = clips.evaluate(config)
    assert np.sum(result["confusion"], axis=1).tolist() == expected.tolist()
    assert expected[0] == 1 and all(name.startswith("_silence_/") for name in _names(whole, "_silence_"))
    shutil.rmtree(root / "_background_noise_")
    assert clips.evaluate(config)["confusion"] == result["confusion"]


def _names(dataset: datasets.Dataset, label: str) -> list[str]:
    testing = dataset.splits["testing"]
    return [name for name, of in zip(testing.names, testing.labels, strict=True) if dataset.labels[of] == label]


def test_the_store_of_the_whole_is_used(data: pathlib.Path, tmp_path: pathlib.Path, monkeypatch) -> None:
    config = DatasetConfig("speech_commands", str(data), ("yes", "no"), processes=1, cache_dir=str(tmp_path / "cache"))
    part = datasets.Part(("testing",), LABELS)
    alone = datasets.load(config, part)
    assert alone.splits["testing"].stored is None and not (tmp_path / "cache").exists()
    whole = datasets.load(config)
    kept = datasets.load(config, part)
    assert kept.splits.keys() == kept.noises.keys() == {"testing"} and kept.labels == whole.labels
    assert kept.splits["testing"].stored is not None
    for one in (alone, whole):
        assert one.splits["testing"].names == kept.splits["testing"].names
        np.testing.assert_array_equal(one.splits["testing"].samples, kept.splits["testing"].samples)
    other = datasets.load(config, datasets.Part(("testing",), ("_silence_", "yes", "no")))
    assert len(other.splits["testing"]) == len(whole.splits["testing"]) - corpus.EVALUATION


def test_the_part_of_synthetic_speech_is_the_wholes(tmp_path: pathlib.Path) -> None:
    config = DatasetConfig(words=("yes", "no"), clips_per_word=20, processes=1, cache_dir="")
    whole = datasets.load(config).splits["testing"]
    labels = ("_silence_", "_unknown_", "yes", "no")
    for settings in (config, dataclasses.replace(config, words=None)):
        part = datasets.load(settings, datasets.Part(("testing",), labels))
        assert part.splits["testing"].names == whole.names
        np.testing.assert_array_equal(part.splits["testing"].samples, whole.samples)


def test_what_cannot_be_measured_is_one_line(testing_alone: pathlib.Path, tmp_path: pathlib.Path) -> None:
    bundle = write_bundle(tmp_path / "bundle")
    with pytest.raises(EvaluationError, match=r"classes \(words=yes\) are not the bundle's"):
        clips.evaluate(config_of(bundle, testing_alone, words=("yes",)))
    with pytest.raises(EvaluationError, match=r"classes \(task=35\) are not the bundle's"):
        clips.evaluate(config_of(bundle, testing_alone, task="35"))
    for word in ("yes", "no"):
        shutil.rmtree(testing_alone / word)
    with pytest.raises(EvaluationError, match="testing split has clips of _silence_, _unknown_ alone"):
        clips.evaluate(config_of(bundle, testing_alone))
