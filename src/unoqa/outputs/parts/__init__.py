"""What outputs share: the colours of heat."""
