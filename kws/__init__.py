"""Keyword spotting: datasets, front end, DS-CNN models, training and evaluation."""

import quant as quant  # sets TensorFlow's environment before anything imports it
