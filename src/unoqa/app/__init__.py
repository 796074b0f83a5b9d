"""The local web app: pages to fit, grade and review, for this machine alone."""
