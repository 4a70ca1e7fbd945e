"""A bundle as a self-contained C library with the metadata of an ecosystem: `export.package`."""
