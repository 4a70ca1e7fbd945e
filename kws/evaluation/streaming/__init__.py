"""Keywords in a stream of sound: long recordings composed of clips, what is detected in them, and the error rates."""
