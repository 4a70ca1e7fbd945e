"""verify on a real fixed-point Keras graph, through the bundle."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf

from export.bundle.bundle_error import BundleError
from export.model import lower
from export.proof.bundle_proof import VerifyConfig, verify_bundle
from quant.folding.keras_chain import fold
from quant.formats.calibration import calibrate
from quant.method import Method
from quant.qformat import QFormat
from quant.training import fixed_point_graph, model_file, wrappers

pytestmark = pytest.mark.slow
LABELS = ("a", "b", "c", "d")


@pytest.fixture
def graph():
    """An untrained fixed-point graph with 4-bit weights and activations."""
    from kws.models.ds_cnn import DsCnnSpec

    model = DsCnnSpec(5, (2, 1), ((2, 2), (1, 1)), (4, 3)).build((11, 6, 1), len(LABELS), 0)
    layers = fold(model)
    features = np.random.default_rng(0).integers(-128, 128, (64, 11, 6, 1)).astype(np.float32) / 32
    bits = {layer.name: 4 for layer in layers}
    layers, network = calibrate(layers, features, QFormat(8, 5), bits, {**bits, layers[-1].name: 8}, Method())
    return fixed_point_graph.fixed_point_model(layers, network, (11, 6, 1), Method())


def test_a_lowered_graph_is_exact_and_another_graph_is_not(graph, make_bundle, tmp_path) -> None:
    path = tmp_path / "keras.h5"
    model_file.save_model(graph, path)
    model = lower.lower(graph, "tiny", LABELS)
    bundle = make_bundle(model, keras_model=path)
    result = verify_bundle(bundle)
    assert result.inputs == 500
    assert result.mismatches == 0, result.table()
    assert len(result.pairs[0].layers) == len(model.layers)

    wrapper = wrappers.wrapped_layers(graph)[2]
    kernel = wrappers.variables_of(wrapper).kernel
    kernel.assign(kernel + 2.0 * wrapper.quantize_config.kernel.q.lsb)
    model_file.save_model(graph, path)
    bundle = make_bundle(model, keras_model=path)
    result = verify_bundle(bundle, VerifyConfig(random_codes=20))
    keras = result.pair("keras")
    assert keras.mismatches == result.mismatches > 0
    assert keras.first.layer == model.layers[2].name


def test_the_command_with_every_implementation(graph, make_bundle, tmp_path) -> None:
    path = tmp_path / "keras.h5"
    model_file.save_model(graph, path)
    bundle = make_bundle(lower.lower(graph, "tiny", LABELS), keras_model=path)
    command = [sys.executable, "-m", "export.verify", f"--bundle={bundle.path}", "--random_codes=30", "--json=-"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["mismatches"] == 0


def test_a_graph_that_cannot_be_read_is_one_line(make_bundle, small_model) -> None:
    with pytest.raises(BundleError, match=r"keras_model\.h5 can't be read .*write the bundle again"):
        verify_bundle(make_bundle(small_model), VerifyConfig(implementations=("keras",)))


def test_a_bundles_graph_runs_no_code_of_its_own(make_bundle, small_model, tmp_path) -> None:
    marker = tmp_path / "marker"
    sly = tf.keras.layers.Lambda(lambda x, path=str(marker): (open(path, "w").close(), x)[1], name="sly")
    model_file.save_model(tf.keras.Sequential([tf.keras.Input((12, 6, 1)), sly]), tmp_path / "keras.h5")
    marker.unlink()
    bundle = make_bundle(small_model, keras_model=tmp_path / "keras.h5")
    with pytest.raises(
        BundleError, match=r"keras_model\.h5 can't be read .*layer sly is a Lambda, whose code is not run"
    ):
        verify_bundle(bundle, VerifyConfig(implementations=("keras",)))
    assert not marker.exists()
