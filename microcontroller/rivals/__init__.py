"""Other engines, built to run the same model in the same firmware, for comparison."""
