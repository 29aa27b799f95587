"""The CSV of a figure says which studies and settings its rows rest on."""

import pandas as pd

from ui.shared.figures import with_settings

ABOUT = {"study": "aaaa", "sigma": 0.5, "n": 10_000, "alpha": 0.001}
NAMED = {
    "σ = 0.5": {"study_id": "aaaa", "sigma": 0.5, "n": 10_000},
    "σ = 1": {"study_id": "bbbb", "sigma": 1.0, "n": 5_000},
}


def test_a_table_of_one_study_carries_its_id_and_settings() -> None:
    found = with_settings(pd.DataFrame({"model": ["int8"]}), ABOUT, {})
    assert found.to_dict("records") == [{"model": "int8", **ABOUT}]


def test_a_table_that_names_its_study_by_what_differs_carries_the_id_beside_the_name() -> None:
    found = with_settings(pd.DataFrame({"study": ["σ = 0.5"]}), ABOUT, {})
    assert found.loc[0, "study_id"] == "aaaa"
    assert found.loc[0, "study"] == "σ = 0.5"


def test_rows_of_several_studies_carry_each_its_own_id_noise_and_draws() -> None:
    frame = pd.DataFrame({"study": ["σ = 0.5", "σ = 1", "best σ at each radius"]})
    found = with_settings(frame, ABOUT, NAMED)
    assert found["study_id"].tolist()[:2] == ["aaaa", "bbbb"]
    assert found["sigma"].tolist()[:2] == [0.5, 1.0]
    assert found["n"].tolist()[:2] == [10_000, 5_000]
    # The best of several is of none of them; the levels are those of the page.
    assert found.loc[2, ["study_id", "sigma", "n"]].isna().all()
    assert found["alpha"].tolist() == [0.001] * 3


def test_columns_of_a_table_are_never_replaced() -> None:
    frame = pd.DataFrame({"study": ["σ = 1"], "sigma": [0.7], "alpha": [0.2]})
    found = with_settings(frame, ABOUT, NAMED)
    assert (found.loc[0, "sigma"], found.loc[0, "alpha"]) == (0.7, 0.2)
