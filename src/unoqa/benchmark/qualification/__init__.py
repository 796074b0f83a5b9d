"""What a site measures before it uses a model, for the person who signs: docs/qualification.md."""
