"""The definition of the features: int16 samples to int8 MFCC codes, in integers only."""
