"""Tables as people and spreadsheet programs save them: CSV, or Excel workbooks."""
