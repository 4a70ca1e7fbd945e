"""The default network made small, in every Python program whose PYTHONPATH begins with this folder (conftest.py)."""

from kws.models import MODELS, ds_cnn

SPEC = ds_cnn.DsCnnSpec(8, (2, 2), ((1, 1),))

MODELS["ds_cnn_mlperf"] = SPEC
