"""Where published corpora come from: their licences, and how they are fetched."""
