"""What low-quality modules share."""
