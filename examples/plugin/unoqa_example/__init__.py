"""An example of a package that adds a low-quality module, a measure and an output to unoqa."""
