"""The proof that the Keras graph, the generated C and the .tflite compute what the interpreter computes."""
