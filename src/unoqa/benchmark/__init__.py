"""Everything that uses labels. Of the other packages only `cli` imports it."""
