"""Code that several clusterings share."""
