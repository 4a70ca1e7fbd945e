"""How many threads TensorFlow computes with, on which the last bits of a result depend."""


def limit(threads: int) -> None:
    """Lets TensorFlow compute an operation on so many threads; call it before TensorFlow computes anything.

    An operation splits its sums among its threads, so that another number of them gives other last bits and, at the end
    of a training, another model.

    Raises:
      RuntimeError: TensorFlow has computed in this process already, with another number.
    """
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
