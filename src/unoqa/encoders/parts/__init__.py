"""What encoders share."""
