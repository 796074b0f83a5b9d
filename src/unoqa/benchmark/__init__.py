"""The labels' side: the only rooms that know labels. Nothing below imports them."""
