"""`unoqa settle --adapt` refuses what cannot be adapted, and leaves no folder."""


def test_a_cohort_of_few_scans_is_refused(refusal, clinic, model, tmp_path):
    sentence = refusal("settle", clinic.mixed, "-m", model, "-o", tmp_path / "adapted", "--adapt")
    assert sentence.startswith("Adapting a model takes at least 75 scans of the new device, and ")
    assert not (tmp_path / "adapted").exists()
