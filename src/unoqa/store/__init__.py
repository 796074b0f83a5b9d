"""What is kept on disk: model folders, unfinished work, the record of a run, and weights that other programs wrote."""
