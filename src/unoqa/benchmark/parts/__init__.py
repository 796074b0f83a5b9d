"""What labels and data sets share."""
