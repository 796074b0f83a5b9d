"""The grader: recipe, panel, threshold, split, reasons, and the model folder they are saved in."""
