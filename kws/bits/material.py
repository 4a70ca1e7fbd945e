"""What a search works on: a run's float network, and training examples of that run."""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from export.host import float_steps
from export.model import interpreter
from kws.bits import sensitivity
from kws.bits.networks import Networks, Widths
from kws.bits.sensitivity import Sensitivity
from kws.datasets import dataset_flags
from kws.frontend.config import INPUT_FORMAT
from kws.training import job, run_folder, training_data
from kws.training.run_folder import FLOAT
from kws.training.settings import TrainConfig
from kws.training.stages import CALIBRATION_EXAMPLES
from kws.training.training_error import TrainingError
from quant.folding import equalization, keras_chain
from quant.qformat import dequantize


@dataclasses.dataclass(frozen=True)
class Material:
    """A run's float network and training examples.

    Attributes:
      model: the architecture's name.
      codes: int8 [n, h, w, c], training examples.
      logits: the float network's, float [n, classes].
    """

    model: str
    networks: Networks
    codes: np.ndarray
    logits: np.ndarray

    def sensitivity(self) -> Sensitivity:
        """Of every layer at every width, on the examples."""
        return sensitivity.measure(self.networks, dequantize(self.codes, self.networks.x))

    def together(self, widths: Widths) -> dict[str, float]:
        """What all widths lose together: `joint_loss` in nats, and the share `same_class_as_float`."""
        model = self.networks.model(widths)
        found = dequantize(interpreter.run(model, self.codes, steps=float_steps.steps()), model.output_format)
        return {
            "joint_loss": float(sensitivity.divergence(self.logits, found).mean()),
            "same_class_as_float": float(np.mean(found.argmax(axis=1) == self.logits.argmax(axis=1))),
        }


def material(run_dir: pathlib.Path, machine: dict[str, Any], bits: Sequence[int], examples: int) -> Material:
    """Reads the run, and makes the first examples of its stage 2, of which the first choose formats as there.

    Args:
      machine: settings of this machine, of `kws.datasets.dataset_flags`.
      examples: how many to keep.

    Raises:
      TrainingError: no float model, or other clips than it was trained on.
      DatasetError: the data can't be loaded.
    """
    folder, saved = run_folder.open_run(run_dir)
    if not folder.model_path(FLOAT).is_file():
        raise TrainingError(f"run_dir={run_dir} has no finished float model: go on with python -m kws.train --resume")
    config = TrainConfig.from_json(saved["settings"], dataset_flags.from_json(saved["settings"]["dataset"], **machine))
    data = training_data.load(config, folder, None, lambda text: None)
    codes = job.training_codes(config, data, config.float_epochs, max(examples, CALIBRATION_EXAMPLES))
    layers = keras_chain.fold(run_folder.load_model(folder, FLOAT))
    if config.method.equalize:
        layers = equalization.equalize(layers)
    features = dequantize(codes, INPUT_FORMAT)
    labels = data.dataset.labels
    networks = Networks(layers, features[:CALIBRATION_EXAMPLES], INPUT_FORMAT, labels, bits, config.model)
    logits = sensitivity.float_logits(networks, features[:examples])
    return Material(config.model, networks, codes[:examples], logits)
