"""The Q-format of the features, which is chosen from training data; the parameters themselves are a bundle's."""

import dataclasses

import numpy as np

from export.frontend.frontend_error import FrontEndError
from export.model.frontend_config import INPUT_FORMAT, FrontEndConfig, input_format

__all__ = ["INPUT_FORMAT", "FrontEndConfig", "calibrate", "input_format"]

# The codes' range holds at least this many standard deviations to either side of the mean.
_RANGE_DEVIATIONS = 3.0


def calibrate(raw: np.ndarray, config: FrontEndConfig) -> FrontEndConfig:
    """Chooses the Q-format of the features from training data.

    Per coefficient, the offset is the mean and the shift the smallest for which three standard deviations fit
    127 codes; so a code has a standard deviation of 21 to 42, and a value (code / 32) one of about 1.

    Args:
      raw: int32 [n, frames, coefficients], `mfcc` of training clips.
      config: the parameters they were computed with.

    Returns:
      `config` with offsets and shifts.

    Raises:
      FrontEndError: no clips.
      ValueError: another shape than [n, frames, coefficients].
    """
    if raw.ndim != 3 or raw.shape[1:] != (config.frames, config.coefficients):
        raise ValueError(f"raw of shape {raw.shape}: expected [n, {config.frames}, {config.coefficients}]")
    if not len(raw):
        raise FrontEndError("the features can't be calibrated on no clips: give training data")
    mean = raw.mean((0, 1), dtype=np.float64)
    deviation = raw.std((0, 1), dtype=np.float64)
    step = _RANGE_DEVIATIONS * deviation / INPUT_FORMAT.max_code
    shifts = np.ceil(np.log2(np.maximum(step, 2.0)))
    return dataclasses.replace(
        config,
        offsets=tuple(int(offset) for offset in np.floor(mean + 0.5)),
        shifts=tuple(int(shift) for shift in shifts),
    )
