"""The front end: int16 PCM to int8 MFCC codes, in integers only.

`config` chooses the Q-format of the features, `cepstrum` is the arithmetic, `float_mfcc` the same in float64, to
measure it against (`arithmetic` names the two), and `extraction` the parallel, cached features of a whole dataset.
Parameters and constant tables are in `export.frontend_config` and `export.frontend_tables`, since a bundle's C has
them too. docs/frontend.md gives every step with its Q-format.
"""

from kws.frontend.arithmetic import FLOAT64, INTEGER, Arithmetic
from kws.frontend.cepstrum import features, mfcc
from kws.frontend.config import FrontEndConfig, calibrate, input_format
from kws.frontend.extraction import calibrate_on_clips, extract

__all__ = [
    "FLOAT64",
    "INTEGER",
    "Arithmetic",
    "FrontEndConfig",
    "calibrate",
    "calibrate_on_clips",
    "extract",
    "features",
    "input_format",
    "mfcc",
]
