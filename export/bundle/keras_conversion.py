"""Writes a bundle from a user's own Keras file: in fixed point without further training.

python -m export.convert --keras_model=F --calibration=X.npy --labels=yes,no --bundle=B
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable
from typing import Any

import numpy as np

from export.bundle.bundle_error import BundleError
from export.bundle.folder import Bundle
from export.bundle.model_files import write_bundle
from export.model import interpreter
from export.model.integer_model import IntegerModel
from export.plan import FAST, goals
from export.plan.plan_error import PlanError
from kws_cli import array_file
from kws_cli.settings import changed, setting, spelled
from quant.method import ACCUMULATOR_BITS, MIN_ACCUMULATOR_BITS, Method
from quant.qformat import MAX_BITS, MIN_BITS, quantize

_CALIBRATION = 1024
_GOLDEN = 256
_CHUNK = 1024
# In a message of TensorFlow: places in the graph, and lines around what it says.
_PLACES = re.compile(r"\{\{.*?\}\}|\[\[.*?\]\]|\[Op:.*")
_AROUND = ("File ", "Detected at ", "Graph execution ", "Exception encountered ", "Call arguments ", "•")


def _widths(of: str) -> Any:
    return setting(
        (MAX_BITS,),
        f"With --keras_model, widths of {of}, {MIN_BITS} to {MAX_BITS}: one for all layers, or one each.",
        item=f"a width from {MIN_BITS} to {MAX_BITS} bits",
        lowest=MIN_BITS,
        highest=MAX_BITS,
    )


@dataclasses.dataclass(frozen=True)
class KerasSource:
    """A float Keras model in a file, and how it becomes fixed point.

    Attributes:
      keras_model: .h5 or .keras, as model.save of Keras 2 writes it; what `quant.fold` takes.
      calibration: .npy of real inputs, floats or integers [n, height, width, channels]; a few hundred suffice, and of
        more than 1,024 so many are drawn.
      labels: names of the classes, in the order of the logits.
      name: of the integer model, a C identifier; the Keras model's where it is None.
      weight_bits, activation_bits: one width for all layers with weights, or one each (logits stay 8 bits).
      accumulator_bits: declared width of every accumulator.

    Raises:
      BundleError: no labels, or one of them twice.
    """

    keras_model: str = setting("", "Your own float model, a .h5 or .keras file of Keras 2, instead of a run.")
    calibration: str = setting("", "With --keras_model, real inputs of it: a .npy array [n, height, width, channels].")
    labels: tuple[str, ...] = setting((), "With --keras_model, names of its classes, in the order of the logits.")
    name: str | None = setting(None, "With --keras_model, the model's name in C (default: its name in Keras).")
    weight_bits: tuple[int, ...] = _widths("weights")
    activation_bits: tuple[int, ...] = _widths("activations")
    accumulator_bits: int = setting(
        ACCUMULATOR_BITS,
        "With --keras_model, width that accumulators keep.",
        lowest=MIN_ACCUMULATOR_BITS,
        highest=ACCUMULATOR_BITS,
    )

    def __post_init__(self) -> None:
        given = ",".join(self.labels)
        if not self.labels or "" in self.labels:
            raise BundleError(f"labels={given}: expected a name for each class, in the order of the logits")
        if twice := [label for label in self.labels if self.labels.count(label) > 1]:
            raise BundleError(f"labels={given}: {twice[0]!r} stands there twice, expected names that differ")


def convert_keras(
    source: KerasSource,
    bundle: str | pathlib.Path,
    profile: str = FAST,
    say: Callable[[str], None] = print,
    max_ram: int | None = None,
) -> Bundle:
    """Folds the model, chooses formats, lowers it and writes everything that follows from it.

    Its golden vectors are calibration inputs; their true classes aren't known. It has no front end.

    Args:
      bundle: the folder to write.
      profile: kernels of the C, one of `export.plan.PROFILES`.
      max_ram: bytes of arena and stack; where `profile` takes more, it is the one of least memory. None for no limit.

    Raises:
      PlanError: the model needs more memory than `max_ram`.
      BundleError: no file of a Keras 2 model, or one that can't be folded; inputs of another shape or dtype, or not
        finite; a wrong number of labels or widths; a model that C or .tflite can't express.
      KerasFileError: a file that holds code, or that another Keras wrote.
    """
    inputs = _calibration(pathlib.Path(source.calibration))
    model = _loaded(source.keras_model)
    order = np.random.default_rng(0).permutation(len(inputs))[:_CALIBRATION]
    try:
        _check(model, inputs, source)
        features = np.asarray(inputs[order])
        fixed, lowered = _lowered(model, features, source)
        codes = quantize(features[:_GOLDEN], lowered.input_format).astype(np.int8)
        agreement = _agreement(model, features[:_GOLDEN], interpreter.run(lowered, codes))
        chosen = goals.profile_within(lowered, profile, max_ram)
        say(f"lowered {lowered.name}: {len(lowered.layers)} layers, {lowered.macs:,} MAC")
        if max_ram is not None:
            say(goals.chosen_within(lowered, chosen, max_ram))
        say(f"same class as the float model: {100 * agreement:.2f} % of {len(codes):,} calibration inputs")
        written = write_bundle(
            bundle,
            lowered,
            codes,
            keras_model=fixed,
            names=[f"{pathlib.Path(source.calibration).name}[{i}]" for i in order[:_GOLDEN]],
            metrics={"calibration": {"inputs": len(codes), "same_class_as_float": agreement}},
            command=_command(source),
            profile=chosen,
        )
    except ValueError as error:
        if isinstance(error, (BundleError, PlanError)):
            raise
        raise BundleError(f"keras_model={source.keras_model} can't be converted: {error}") from error
    except Exception as error:
        if (reason := _of_tensorflow(error)) is None:
            raise
        raise BundleError(
            f"keras_model={source.keras_model}: TensorFlow can't run it on this machine: {reason}"
        ) from error
    say(f"bundle: {written.path}")
    return written


def _of_tensorflow(error: Exception) -> str | None:
    """What an operation that TensorFlow can't run says, such as a depthwise one of unequal strides where oneDNN is off:
    its sentence, without the places in Python and in the graph. None for any other error."""
    import tensorflow as tf

    if not isinstance(error, tf.errors.OpError):
        return None
    lines = (_PLACES.sub("", line).strip() for line in error.message.splitlines())
    said = [line for line in lines if line and not line.startswith(_AROUND)]
    return said[0] if said else type(error).__name__


def _calibration(path: pathlib.Path) -> np.ndarray:
    """The array in a file, mapped into memory, of numbers that are finite as float32.

    Raises:
      BundleError: no file of one such array.
    """
    expected = "expected one array of real inputs, [n, height, width, channels], as numpy.save writes it (.npy)"
    try:
        array = array_file.mapped(path)
    except (OSError, ValueError) as error:
        raise BundleError(f"calibration={path} can't be read ({error}): {expected}") from error
    if array.dtype.kind not in "fiu" or array.ndim != 4:
        raise BundleError(f"calibration={path} is {array.dtype} {array.shape}: {expected}")
    for start in range(0, len(array), _CHUNK):
        with np.errstate(over="ignore"):  # what float32 can't hold becomes infinite
            wrong = np.argwhere(~np.isfinite(array[start : start + _CHUNK].astype(np.float32)))
        if len(wrong):
            place = [start + int(wrong[0][0]), *map(int, wrong[0][1:])]
            raise BundleError(f"calibration={path}: {place} is {array[*place]}, expected numbers of float32")
    return array


def _loaded(path: str) -> Any:
    from quant.training import model_file  # imports TensorFlow

    try:
        return model_file.load_model(path)
    except OSError as error:
        raise BundleError(f"keras_model={path} can't be read: {error.strerror or error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        if getattr(type(error), "user_can_mend", False):
            raise
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise BundleError(f"keras_model={path}: Keras 2 can't build it ({reason})") from error


def _check(model: Any, inputs: np.ndarray, source: KerasSource) -> None:
    """Raises `FoldError` for what can't be folded, `BundleError` for inputs or labels that don't fit the model."""
    from quant.folding import keras_chain

    keras_chain.fold(model)
    shape, outputs = tuple(model.input_shape[1:]), model.output_shape[-1]
    if inputs.shape[1:] != shape:
        takes = f"the model takes (n, {', '.join(map(str, shape))})"
        raise BundleError(f"calibration={source.calibration} is {inputs.dtype} {inputs.shape}: {takes}")
    if len(source.labels) != outputs:
        given = f"labels={','.join(source.labels)}"
        raise BundleError(f"{given}: {len(source.labels)} names, the model has {outputs} outputs: give one each")


def _lowered(model: Any, features: np.ndarray, source: KerasSource) -> tuple[Any, IntegerModel]:
    """The model as a fixed-point graph, and as integers."""
    from export.model import lower  # these import TensorFlow
    from quant.folding.keras_chain import identifier
    from quant.training.post_training import post_training_model

    method = Method(accumulator_bits=source.accumulator_bits)
    fixed = post_training_model(model, features, source.weight_bits, source.activation_bits, method)
    return fixed, lower.lower(fixed, source.name or identifier(model.name, set()), source.labels)


def _agreement(model: Any, features: np.ndarray, logits: np.ndarray) -> float:
    """Share of inputs to which the float model gives the class that these logits (int8 [n, labels]) give."""
    expected = model.predict(features.astype(np.float32), verbose=0).reshape(logits.shape)
    return float(np.mean(expected.argmax(axis=1) == logits.argmax(axis=1)))


def _command(source: KerasSource) -> str:
    """The shell line that writes the bundle again, with files by their names."""
    files = {name: pathlib.Path(getattr(source, name)).name for name in ("keras_model", "calibration")}
    return spelled("python -m export.convert --bundle=B", {**changed(source), **files})
