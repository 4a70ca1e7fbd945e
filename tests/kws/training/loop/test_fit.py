"""The training loop by itself: exact resumption, moving average, a stage in parts."""

import pathlib
import shutil
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from small_fit import CLASSES, EXAMPLES, SHAPE, examples_of, network, settings

from kws.models.in_a_stream import in_a_stream
from kws.training.loop import fit as fit_module
from kws.training.loop import inputs, step
from kws.training.loop.config import FitConfig
from kws.training.loop.fit import fit
from kws.training.loop.weight_average import WeightAverage
from kws.training.run_folder import FLOAT, HISTORY, RunFolder
from kws.training.teachers import Teachers
from kws.training.training_error import TrainingError


class Interrupted(Exception):
    pass


def trained(path: pathlib.Path, config: FitConfig, model: tf.keras.Model | None = None, **hooks: Any) -> tf.keras.Model:
    model = model or network()
    (path / FLOAT).mkdir(parents=True, exist_ok=True)
    fit(model, config, examples_of, EXAMPLES, examples_of(99), RunFolder(path), **hooks)
    return model


def bits(model: tf.keras.Model) -> list[bytes]:
    return [variable.numpy().tobytes() for variable in model.variables]


@pytest.mark.parametrize("step_parts", [1, 3])
def test_an_interrupted_stage_ends_with_the_same_bits(tmp_path: pathlib.Path, step_parts: int) -> None:
    def interrupt(epoch: int) -> None:
        if epoch == 2:
            raise Interrupted

    config = settings(ema=0.9, step_parts=step_parts)
    whole = trained(tmp_path / "whole", config)
    with pytest.raises(Interrupted):
        trained(tmp_path / "parts", config, before_epoch=interrupt)
    assert bits(trained(tmp_path / "parts", config)) == bits(whole)
    # The finished stage's checkpoint gives the same model once more.
    assert bits(trained(tmp_path / "parts", config)) == bits(whole)


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
    """A stage after two of its three epochs."""
    path = tmp_path_factory.mktemp("begun")
    trained(path, settings(end=2))
    return path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    """What the same stage ends with when nothing interrupts it."""
    return bits(trained(tmp_path_factory.mktemp("whole"), settings()))


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("ckpt-2.data-00000-of-00001", lambda content: content[: len(content) // 2]),
        ("ckpt-2.data-00000-of-00001", lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:]),
        ("ckpt-2.data-00000-of-00001", None),
        ("ckpt-2.index", lambda content: content[:-20]),
        ("ckpt-2.index", lambda content: b""),
        ("checkpoint", lambda content: b"\xff\x00 no list"),
    ],
)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(
    begun: pathlib.Path,
    whole: list[bytes],
    tmp_path: pathlib.Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    damage: Callable[[bytes], bytes] | None,
) -> None:
    shutil.copytree(begun, tmp_path / "parts")
    path = tmp_path / "parts" / FLOAT / "checkpoints" / name
    if damage:
        path.write_bytes(damage(path.read_bytes()))
    else:
        path.unlink()
    capsys.readouterr()
    epochs: list[int] = []
    assert bits(trained(tmp_path / "parts", settings(), before_epoch=epochs.append)) == whole
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    if name == "checkpoint":
        assert (epochs, warnings) == ([2], [])
        return
    assert epochs == [1, 2]
    assert len(warnings) == 1 and "ckpt-2 is damaged (" in warnings[0] and "the one before it" in warnings[0]


def test_two_damaged_checkpoints_start_the_stage_again(
    begun: pathlib.Path, whole: list[bytes], tmp_path: pathlib.Path
) -> None:
    shutil.copytree(begun, tmp_path / "parts")
    for path in (tmp_path / "parts" / FLOAT / "checkpoints").glob("*.data*"):
        path.write_bytes(path.read_bytes()[:50])
    assert bits(trained(tmp_path / "parts", settings())) == whole
    # What replaced the damaged ones is whole.
    epochs: list[int] = []
    assert bits(trained(tmp_path / "parts", settings(), before_epoch=epochs.append)) == whole
    assert not epochs


def test_a_copy_that_a_person_made_of_a_checkpoint_is_left_alone(
    begun: pathlib.Path, whole: list[bytes], tmp_path: pathlib.Path
) -> None:
    shutil.copytree(begun, tmp_path / "parts")
    checkpoints = tmp_path / "parts" / FLOAT / "checkpoints"
    for copy in ("ckpt-1 (copy).index", "ckpt-2_old.index"):
        shutil.copyfile(checkpoints / "ckpt-2.index", checkpoints / copy)
    epochs: list[int] = []
    assert bits(trained(tmp_path / "parts", settings(), before_epoch=epochs.append)) == whole
    assert epochs == [2]
    assert (checkpoints / "ckpt-1 (copy).index").is_file()


def test_training_that_diverges_stops_in_one_line_and_leaves_no_such_epoch(tmp_path: pathlib.Path) -> None:
    with pytest.raises(TrainingError, match=r"float: after epoch \d of 3 the loss is nan.* lower float_learning_rate"):
        trained(tmp_path, settings(learning_rate=1e38, warmup_epochs=0.0))
    history = RunFolder(tmp_path).file(HISTORY)
    assert not history.is_file() or "NaN" not in history.read_text()
    assert len(list((tmp_path / FLOAT / "checkpoints").glob("*.index"))) == (
        len(RunFolder(tmp_path).read_json(HISTORY)) if history.is_file() else 0
    )


def test_an_epoch_without_a_step_is_refused(tmp_path: pathlib.Path) -> None:
    with pytest.raises(ValueError, match=f"batch_size=25 for {EXAMPLES} examples an epoch"):
        trained(tmp_path, settings(batch_size=EXAMPLES + 1))


def losses(path: pathlib.Path) -> list[float]:
    return [row["loss"] for row in RunFolder(path).read_json(HISTORY)]


def test_steps_in_a_row_are_steps_one_by_one(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = settings(ema=0.9, distillation=0.5)
    teacher = Teachers([network()])
    at_once = trained(tmp_path / "at once", config, followed=teacher)
    for count in (1, 2):  # of the three in an epoch
        monkeypatch.setattr(fit_module, "_STEPS_AT_A_TIME", count)
        assert bits(trained(tmp_path / str(count), config, followed=teacher)) == bits(at_once)
        assert losses(tmp_path / str(count)) == losses(tmp_path / "at once")


def test_the_moving_average_is_what_the_stage_ends_with(tmp_path: pathlib.Path) -> None:
    seen: list[np.ndarray] = []
    plain = network()
    kernel = plain.trainable_variables[-2]

    def watch(epoch: int) -> None:
        seen.append(kernel.numpy())

    # One step an epoch, so that every step's weights are seen.
    one_step = {"batch_size": EXAMPLES, "epochs": 5}
    trained(tmp_path / "plain", settings(**one_step), plain, before_epoch=watch)
    expected = seen[0]
    for number, weights in enumerate([*seen[1:], kernel.numpy()], start=1):
        momentum = min(0.2, number / (9 + number))
        expected = momentum * expected + (1 - momentum) * weights
    averaged = trained(tmp_path / "averaged", settings(**one_step, ema=0.2))
    np.testing.assert_allclose(averaged.trainable_variables[-2], expected, rtol=1e-5, atol=1e-7)
    assert not np.allclose(expected, kernel, atol=1e-5)


def test_the_model_has_its_own_weights_again_after_a_look_at_the_average() -> None:
    model = network()
    average = WeightAverage(model, 0.9)
    for variable in model.trainable_variables:
        variable.assign_add(tf.ones_like(variable))
    average.update()
    before = bits(model)
    with average.settled():
        assert bits(model) != before
    assert bits(model) == before
    with pytest.raises(ValueError, match="momentum=1"):
        WeightAverage(model, 1.0)


def test_no_weight_decay_is_adamws_that_takes_off_zero(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the bit, and from its checkpoint, which an earlier version wrote."""
    plain = bits(trained(tmp_path / "plain", settings(weight_decay=0.0)))
    with monkeypatch.context() as patched:
        adamw = tf.keras.optimizers.AdamW
        patched.setattr(tf.keras.optimizers, "Adam", lambda schedule: adamw(schedule, weight_decay=0.0))
        trained(tmp_path / "parts", settings(weight_decay=0.0, end=2))
    assert bits(trained(tmp_path / "parts", settings(weight_decay=0.0))) == plain


def test_a_part_of_a_stage_goes_on_at_the_stages_learning_rate(tmp_path: pathlib.Path) -> None:
    trained(tmp_path / "whole", settings())
    trained(tmp_path / "parts", settings(end=2))
    trained(tmp_path / "parts", settings(begin=2))
    whole, parts = (RunFolder(tmp_path / name).read_json(HISTORY) for name in ("whole", "parts"))
    assert [row["epoch"] for row in parts] == [1, 2, 3]
    assert [row["learning_rate"] for row in parts] == [row["learning_rate"] for row in whole]
    assert len({row["learning_rate"] for row in whole}) == 3


def test_a_head_for_words_shapes_the_layers_below(tmp_path: pathlib.Path) -> None:
    def headed() -> tuple[tf.keras.Model, tf.keras.Model]:
        inputs = tf.keras.Input(SHAPE)
        features = tf.keras.layers.Dense(4, name="features", kernel_initializer="ones")(
            tf.keras.layers.Flatten()(inputs)
        )
        model = tf.keras.Model(inputs, tf.keras.layers.Dense(2, kernel_initializer="ones")(features))
        words = tf.keras.layers.Dense(CLASSES, kernel_initializer="identity", name="words")(features)
        return model, tf.keras.Model(inputs, (model.output, words))

    def features_after(name: str, **changes: Any) -> np.ndarray:
        model, whole = headed()
        trained(tmp_path / name, settings(classes=(0, 1, 1), **changes), model, word_head=whole)
        return model.get_layer("features").kernel.numpy()

    assert (features_after("with", word_loss=1.0) != features_after("without", word_loss=0.0)).any()


def test_teachers_are_followed(tmp_path: pathlib.Path) -> None:
    models = []
    for sign in (1, 1, -1):
        model = network()
        for variable in model.trainable_variables[-2:]:
            variable.assign(sign * variable)
        models.append(model)
    config = settings(distillation=1.0)
    one, same, other = (
        bits(trained(tmp_path / str(number), config, followed=Teachers(chosen)))
        for number, chosen in enumerate((models[:1], models[:2], models[1:]))
    )
    assert one == same
    assert one != other


def test_of_untaught_words_the_label_is_followed() -> None:
    posteriors = np.array([[0.2, 0.8], [0.3, 0.7], [0.4, 0.6]], np.float32)
    config = settings(classes=(0, 1, 1), untaught=(2,), label_smoothing=0.1)
    found = inputs._followed(posteriors, np.array([0, 2, 1]), config)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [[0.2, 0.8], [0.05, 0.95], [0.4, 0.6]], rtol=1e-6)


def test_the_last_share_of_a_batch_is_heard_as_in_a_stream() -> None:
    inputs = tf.keras.Input((9, 6, 1))
    x = tf.keras.layers.Conv2D(2, 3, padding="same", bias_initializer="ones")(inputs)
    x = tf.keras.layers.GlobalAveragePooling2D()(x)
    model = tf.keras.Model(inputs, tf.keras.layers.Dense(CLASSES)(x))
    features = np.random.default_rng(0).normal(size=(8, 9, 6, 1)).astype(np.float32)
    stream = in_a_stream(model)(features).numpy()
    for share, windows in ((0.0, 8), (0.25, 6), (1.0, 0)):
        expected = np.concatenate([model(features).numpy()[:windows], stream[windows:]])
        np.testing.assert_allclose(step._heard(model, share)(tf.constant(features)), expected, rtol=1e-5)
