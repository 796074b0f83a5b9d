"""What views share to draw: the look of every page, pictures small enough for a page, and the report itself."""
