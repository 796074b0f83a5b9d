"""An example of a package that adds a low-quality module to unoqa."""
