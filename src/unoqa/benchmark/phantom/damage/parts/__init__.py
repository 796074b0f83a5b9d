"""What kinds of damage share."""
