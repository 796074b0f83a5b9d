"""Monitoring: whether the images of late are still such as those that a model was settled on."""
