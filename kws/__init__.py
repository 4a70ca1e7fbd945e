"""Keyword spotting: datasets, front end, DS-CNN models, training and evaluation."""

import os

# tfmot has no Keras 3 support: this must be set before TensorFlow is imported.
os.environ.setdefault("TF_USE_LEGACY_KERAS", "1")
# Warnings and errors of TensorFlow's own, not its start-up banner.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
