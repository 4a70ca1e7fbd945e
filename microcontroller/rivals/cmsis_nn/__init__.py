"""CMSIS-NN's int8 kernels on the layers of an integer model.

The kernels are Arm's C sources as the PyPI package `bakenn` carries them (`package`); nothing of them is copied
here. `runner` writes the C that calls them in place of this project's engine.
"""
