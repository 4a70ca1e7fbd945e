"""From clips to training examples: augmentation, epochs, features, and where they are kept."""
