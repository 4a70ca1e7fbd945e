"""All that writes C: the network, its stream, front end and detector."""
