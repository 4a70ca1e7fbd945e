"""The front end: int16 PCM to int8 MFCC codes, in integers only.

`config` holds the parameters and the Q-format of the features, `tables` the constants, `cepstrum` the arithmetic and
`extraction` the parallel, cached features of a whole dataset. docs/frontend.md gives every step with its Q-format.
"""

from kws.frontend.cepstrum import features, mfcc
from kws.frontend.config import FrontEndConfig, calibrate, input_format
from kws.frontend.extraction import calibrate_on_clips, extract

__all__ = ["FrontEndConfig", "calibrate", "calibrate_on_clips", "extract", "features", "input_format", "mfcc"]
