"""What the formats share: limits, opening, brightness, and the way from folders to images."""
