"""Training: settings, the two stages, teachers, and the folder that a run leaves."""
