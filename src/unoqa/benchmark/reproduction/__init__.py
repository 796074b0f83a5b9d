"""The paper's Table 1 and Table 2 on a labelled data set, beside methods that need no label.

A system is one row of a table: a panel of encoders and low-quality modules. It gives each image a score and maps. A
threshold on the score refuses images; the refused ones are reduced and clustered in two. A cell holds the agreement of
the resulting grades with the reference grades. Cells are cached, so a killed run continues.
"""
