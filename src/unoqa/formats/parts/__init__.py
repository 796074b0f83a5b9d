"""What the formats share: limits, opening files, brightness, and finding images in folders."""
