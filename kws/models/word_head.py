"""A second head for training alone: it makes the features tell apart what one class lumps together."""

import tensorflow as tf


def with_word_head(model: tf.keras.Model, embedding: str, words: int, seed: int) -> tf.keras.Model:
    """`model`'s layers with a second output: logits [n, words] of the spoken word, `_unknown_` ones apart.

    Args:
      embedding: the layer that the head reads, as `Architecture.embedding`.
      seed: of the head's initial weights.
    """
    initializer = tf.keras.initializers.HeNormal(seed=seed * 1000 + 999)
    head = tf.keras.layers.Dense(words, kernel_initializer=initializer, name="words")
    return tf.keras.Model(model.input, (model.output, head(model.get_layer(embedding).output)))
