"""Clusters of machines, through Ray."""
