"""What a model gets right: metrics on clips and on streams."""
