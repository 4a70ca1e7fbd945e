"""A Keras file runs no code of its own: what could is refused by its layer's name, before anything is built."""

import io
import json
import pathlib
import zipfile
from collections.abc import Callable

import h5py
import numpy as np
import pytest
import tensorflow as tf

import quant
from quant.folding.keras_file import KerasFileError

Layers = tf.keras.layers


def model_of(*layers: tf.keras.layers.Layer) -> tf.keras.Model:
    return tf.keras.Sequential([tf.keras.Input((4, 4, 1)), *layers])


def plain() -> tf.keras.Model:
    conv = Layers.Conv2D(2, 3, kernel_initializer="zeros", name="conv")
    return model_of(conv, Layers.ReLU(), Layers.GlobalAveragePooling2D(), Layers.Dense(2, kernel_initializer="zeros"))


def saved(model: tf.keras.Model, path: pathlib.Path) -> pathlib.Path:
    quant.save_model(model, path) if path.suffix == ".h5" else model.save(path)
    return path


def with_config(path: pathlib.Path, change: Callable[[dict], None]) -> None:
    """Rewrites the model's description in a saved file."""
    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            config = json.loads(file.attrs["model_config"])
            change(config)
            file.attrs["model_config"] = json.dumps(config)
        return
    with zipfile.ZipFile(path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    config = json.loads(contents["config.json"])
    change(config)
    contents["config.json"] = json.dumps(config).encode()
    with zipfile.ZipFile(path, "w") as file:
        for name, content in contents.items():
            file.writestr(name, content)


each = pytest.mark.parametrize("suffix", [".h5", ".keras"])


@each
def test_a_plain_model_is_read(suffix: str, tmp_path) -> None:
    model = plain()
    again = quant.load_model(saved(model, tmp_path / f"model{suffix}"))
    x = np.ones((2, 4, 4, 1), np.float32)
    np.testing.assert_array_equal(again(x), model(x))


@each
def test_a_lambda_layer_is_named_and_never_run(suffix: str, tmp_path) -> None:
    marker = tmp_path / "marker"
    lambda_layer = Layers.Lambda(lambda x, path=str(marker): (open(path, "w").close(), x)[1], name="sly")
    path = saved(model_of(Layers.Conv2D(2, 3, kernel_initializer="zeros"), lambda_layer), tmp_path / f"model{suffix}")
    marker.unlink()
    with pytest.raises(KerasFileError, match=r"model\.\w+: layer sly is a Lambda, whose code is not run: replace it"):
        quant.load_model(path)
    assert not marker.exists()


@each
def test_a_lambda_layer_within_another_model_is_named(suffix: str, tmp_path) -> None:
    inner = tf.keras.Sequential([tf.keras.Input((4, 4, 1)), Layers.Lambda(lambda x: x, name="deep")], name="inner")
    with pytest.raises(KerasFileError, match="layer deep is a Lambda"):
        quant.load_model(saved(model_of(inner), tmp_path / f"model{suffix}"))


@each
def test_a_function_of_any_module_is_named(suffix: str, tmp_path) -> None:
    path = saved(plain(), tmp_path / f"model{suffix}")

    def system(config: dict) -> None:
        layer = next(layer for layer in config["config"]["layers"] if layer["class_name"] == "Conv2D")
        layer["config"]["activation"] = {"module": "os", "class_name": "function", "config": "system"}

    with_config(path, system)
    with pytest.raises(KerasFileError, match="layer conv needs module os, expected Keras' own layers"):
        quant.load_model(path)


@each
@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"module": "tf_keras.src.layers", "class_name": "core.Lambda"}, "layer conv needs class 'core.Lambda'"),
        ({"module": "keras.layers", "class_name": "StringLookup"}, "needs class 'StringLookup', which is not built"),
        ({"module": "keras.utils", "class_name": "get_file"}, "needs class 'get_file'"),
        ({"class_name": "TypeSpec"}, "needs class 'TypeSpec'"),
        ({"class_name": ["Conv2D"]}, r"layer conv has class \['Conv2D'\], expected a name"),
        ({"registered_name": "Custom>Lambda"}, "layer conv registers 'Conv2D' as 'Custom>Lambda', expected one name"),
        ({"module": ["os"]}, r"layer conv needs module \['os'\]"),
    ],
)
def test_what_is_not_on_the_list_is_not_built(place: dict, message: str, suffix: str, tmp_path) -> None:
    path = saved(plain(), tmp_path / f"model{suffix}")
    with_config(path, lambda config: config["config"]["layers"][1].update(place))
    with pytest.raises(KerasFileError, match=message):
        quant.load_model(path)


@each
@pytest.mark.parametrize("name", ["exec", "get_file", "io_utils.os", ["relu"]])
def test_only_activations_are_functions(name: object, suffix: str, tmp_path) -> None:
    path = saved(plain(), tmp_path / f"model{suffix}")
    function = {"module": "builtins", "class_name": "function", "config": name, "registered_name": name}
    with_config(path, lambda config: config["config"]["layers"][1]["config"].update(kernel_initializer=function))
    with pytest.raises(KerasFileError, match=r"layer conv needs function .*, expected one of Keras' activations"):
        quant.load_model(path)


def test_a_description_that_is_shown_in_place_of_the_one_that_is_built_is_not_believed(tmp_path) -> None:
    """HDF5 at its beginning and a zip at its end."""
    marker = tmp_path / "marker"
    lambda_layer = Layers.Lambda(lambda x, path=str(marker): (open(path, "w").close(), x)[1], name="sly")
    path = saved(model_of(lambda_layer), tmp_path / "sly.h5")
    marker.unlink()
    path.write_bytes(path.read_bytes() + saved(plain(), tmp_path / "plain.keras").read_bytes())
    assert zipfile.is_zipfile(path) and h5py.is_hdf5(path)
    with pytest.raises(KerasFileError, match="layer sly is a Lambda"):
        quant.load_model(path)
    assert not marker.exists()


def test_pickled_weights_are_never_unpickled(tmp_path) -> None:
    class Sly:
        def __reduce__(self) -> tuple:
            return (tmp_path.joinpath("marker").touch, ())

    path = saved(plain(), tmp_path / "model.keras")
    arrays = io.BytesIO()
    np.savez(arrays, conv=np.array([Sly()], object))
    with zipfile.ZipFile(path) as file:
        contents = {name: file.read(name) for name in file.namelist()}
    del contents["model.weights.h5"]
    with zipfile.ZipFile(path, "w") as file:
        for name, content in {**contents, "model.weights.npz": arrays.getvalue()}.items():
            file.writestr(name, content)
    with pytest.raises(KerasFileError, match=r"model\.keras holds model\.weights\.npz, which is not read"):
        quant.load_model(path)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize("kind", ["link", "storage"])
def test_arrays_of_other_files_are_not_read(kind: str, tmp_path) -> None:
    path = saved(plain(), tmp_path / "model.h5")
    (tmp_path / "secret").write_bytes(bytes(64))
    with h5py.File(path, "r+") as file:
        if kind == "link":
            file["model_weights"]["other"] = h5py.ExternalLink(str(tmp_path / "secret"), "/")
        else:
            outside = [(str(tmp_path / "secret"), 0, 64)]
            file["model_weights"].create_dataset("other", (16,), "f4", external=outside)
    with pytest.raises(KerasFileError, match=r"other (is a link|lies in another file), expected arrays of the file"):
        quant.load_model(path)


def test_arrays_that_the_file_is_too_small_for_are_not_allocated(tmp_path) -> None:
    path = saved(plain(), tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        file["model_weights"].create_dataset("other", (10**11,), "f4", chunks=(1024,))
    with pytest.raises(KerasFileError, match=r"model\.h5 of [0-9,]+ bytes declares 400,000,000,\d+: it is damaged"):
        quant.load_model(path)


def test_a_name_that_says_another_format_is_one_line(tmp_path) -> None:
    path = saved(plain(), tmp_path / "model.keras").rename(tmp_path / "model.h5")
    with pytest.raises(KerasFileError, match=r"model\.h5 is a zip file whose name does not end in \.keras"):
        quant.load_model(path)


def test_a_compiled_model_is_read(tmp_path) -> None:
    model = plain()
    model.compile(tf.keras.optimizers.Adam(), tf.keras.losses.MeanSquaredError())
    assert len(quant.load_model(saved(model, tmp_path / "model.keras")).weights) == len(model.weights)


def test_operations_by_name_are_refused(tmp_path) -> None:
    x = inputs = tf.keras.Input((4, 4, 1))
    with pytest.raises(KerasFileError, match=r"layer tf\.math\.\w+ is a TFOpLambda"):
        quant.load_model(saved(tf.keras.Model(inputs, x * 2.0), tmp_path / "model.h5"))


def test_a_model_of_keras_3_is_named(tmp_path) -> None:
    path = saved(plain(), tmp_path / "model.h5")
    with h5py.File(path, "r+") as file:
        file.attrs["keras_version"] = "3.4.1"
    with pytest.raises(KerasFileError, match=r"model\.h5 was saved by Keras 3\.4\.1, expected .*TF_USE_LEGACY_KERAS=1"):
        quant.load_model(path)


def test_what_is_no_model_is_one_line(tmp_path) -> None:
    path = tmp_path / "model.h5"
    with pytest.raises(OSError, match="No such file"):
        quant.load_model(path)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("notes.txt", "")
    for content in (b"", b"\x93NUMPY", archive.getvalue(), archive.getvalue()[:-5]):
        path.write_bytes(content)
        (tmp_path / "model.keras").write_bytes(content)
        with pytest.raises(KerasFileError, match=r"expected a file that model\.save of Keras 2 wrote"):
            quant.load_model(tmp_path / "model.keras")
        with pytest.raises(KerasFileError, match=r"expected a file that model\.save of Keras 2 wrote"):
            quant.load_model(path)
    whole = saved(plain(), tmp_path / "whole.h5").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((KerasFileError, OSError)):
        quant.load_model(path)
    with h5py.File(tmp_path / "weights.h5", "w"):
        pass
    with pytest.raises(KerasFileError, match="holds no Keras model"):
        quant.load_model(tmp_path / "weights.h5")
