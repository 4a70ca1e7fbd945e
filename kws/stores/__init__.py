"""What is kept on disk between runs and shared by processes: samples, under keys that hold all they depend on."""
