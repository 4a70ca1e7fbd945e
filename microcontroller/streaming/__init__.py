"""Front end, streaming network and detector on the emulated device: a recording in, detections and counts out."""
