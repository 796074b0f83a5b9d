"""What outputs share: contract, cells of tables, final grades, graded DICOM objects, and the run that writes all."""
