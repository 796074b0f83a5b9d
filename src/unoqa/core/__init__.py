"""Ground floor: the types and contracts that all other packages use. Imports nothing else of unoqa."""
