"""The integer model: its layers, its exact interpreter on clips and on streams, the bounds of its accumulators."""
