"""What supervised references share."""
