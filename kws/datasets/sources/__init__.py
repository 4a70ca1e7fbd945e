"""What fills up recordings of one's own: words of a corpus, spoken words, noise of a folder; and the shares."""
