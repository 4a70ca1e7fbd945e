"""The loop over epochs of a stage: its settings, steps and inputs, checkpoints and the average of weights."""
