"""Ground floor: the types that every room speaks in. Imports nothing else of ours."""
