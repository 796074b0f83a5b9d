"""What is kept on disk: model folders, unfinished work, the journal of a run; whole files or none; others' weights."""
