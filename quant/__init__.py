"""Fixed-point quantization aware training: Q-formats, quantizers, folding, equalization, calibration.

Knows nothing of audio. TensorFlow is imported only by the modules that build Keras graphs.
"""

import logging
import os

# tfmot has no Keras 3 support: this must be set before TensorFlow is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# TensorFlow's start-up remarks (no GPU, duplicate registrations) are not for users; its failures are exceptions.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
logging.getLogger("tensorflow").setLevel(logging.ERROR)
