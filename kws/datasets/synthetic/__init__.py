"""Synthetic speech: who says what, each word by espeak-ng, in a small room and through a microphone."""
