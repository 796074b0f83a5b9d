"""What outputs share: their contract, and the reading of images that a record names."""
