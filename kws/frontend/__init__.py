"""The front end: int16 PCM to int8 MFCC codes, in integers only.

`config` chooses the Q-format of the features, `export.frontend.cepstrum` is the arithmetic, `compiled` gives its
integers by C, and `float_mfcc` is the same in float64, to measure it against (`arithmetic` names the two). Features of
whole datasets are made in `kws.examples.extraction`. The definition, parameters and constant tables (`export.model`)
are `export`'s, which proves a bundle's C against them. docs/frontend.md gives every step with its Q-format.
"""

from export.frontend.cepstrum import features, mfcc
from kws.frontend.arithmetic import FLOAT64, INTEGER, Arithmetic
from kws.frontend.config import FrontEndConfig, calibrate, input_format

__all__ = [
    "FLOAT64",
    "INTEGER",
    "Arithmetic",
    "FrontEndConfig",
    "calibrate",
    "features",
    "input_format",
    "mfcc",
]
