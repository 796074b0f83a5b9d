"""What outputs share: their contract, the reading of images that a record names, and the run that writes them all."""
