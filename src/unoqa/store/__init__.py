"""What is kept on disk while work goes on: features, the journal of a run, whole files or none."""
