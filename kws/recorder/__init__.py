"""Recordings of words of one's own: what is recorded and kept of a take, and the page that records in a browser."""
