"""Code that several low-quality modules share."""
