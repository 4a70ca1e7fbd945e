"""The architectures that `--model` chooses from.

Each is a module here whose specs are `Architecture`s; registering them in MODELS is all that a new one needs: flags,
widths by layer, training, folding and export follow. Nothing is imported from TensorFlow before a model is built.
"""

from kws.models import ds_cnn
from kws.models.architecture import Architecture

__all__ = ["MODELS", "Architecture"]

MODELS: dict[str, Architecture] = {**ds_cnn.SPECS}
