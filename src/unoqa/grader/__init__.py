"""The grader: recipe, panel, gate, split, reasons, and the model folder they are saved in."""
