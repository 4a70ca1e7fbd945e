"""What features can be computed in: integers, as on the device, or float64, to measure these against."""

import dataclasses
from collections.abc import Callable

import numpy as np

from export.model.frontend_config import INPUT_FORMAT, FrontEndConfig
from kws.frontend.compiled import features
from kws.frontend.float_mfcc import float_features
from quant.qformat import QFormat


@dataclasses.dataclass(frozen=True)
class Arithmetic:
    """One way from PCM to the network's input.

    Attributes:
      name: what it is called.
      features: int16 [n, clip_samples] and calibrated parameters to `dtype` [n, frames, coefficients, 1].
      dtype: of the features.
      input_format: of the feature codes; None where features are the values themselves.
    """

    name: str
    features: Callable[[np.ndarray, FrontEndConfig], np.ndarray] = dataclasses.field(repr=False)
    dtype: type
    input_format: QFormat | None


INTEGER = Arithmetic("integer", features, np.int8, INPUT_FORMAT)
FLOAT64 = Arithmetic("float64", float_features, np.float32, None)
