"""The paper's Table 1 and Table 2 on a labelled data set, beside what needs no label; resumable cell by cell."""
