"""Code that several measures share."""
