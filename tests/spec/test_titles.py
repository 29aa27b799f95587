"""What studies are called, and what tells equal names apart."""

from dataclasses import replace

from synthetic import synthetic_spec

from irs_core.spec.titles import distinct_titles, title


def test_a_study_without_a_name_is_called_after_its_model_and_noise():
    spec = replace(synthetic_spec(), name="")
    assert title(spec) == f"{spec.model.weights}, sigma {spec.noise.sigma:g}"
    assert title(replace(spec, name="mine")) == "mine"


def test_names_that_differ_are_left_alone():
    first, second = (replace(synthetic_spec(), name=name) for name in ("a", "b"))
    assert distinct_titles([second, first, second]) == ["b", "a", "b"]


def test_equal_names_are_followed_by_what_differs_and_by_nothing_else():
    spec = replace(synthetic_spec(n=4000), name="mine")
    seed = spec.noise.seed
    larger = replace(spec, n=8000)
    other = replace(spec, noise=replace(spec.noise, seed=spec.noise.seed + 1))
    assert distinct_titles([spec, larger]) == ["mine, n = 4,000", "mine, n = 8,000"]
    assert distinct_titles([spec, other]) == [f"mine, seed {seed}", f"mine, seed {seed + 1}"]
    assert distinct_titles([spec, larger, other]) == [
        f"mine, n = 4,000, seed {seed}",
        f"mine, n = 8,000, seed {seed}",
        f"mine, n = 4,000, seed {seed + 1}",
    ]


def test_the_same_study_twice_is_called_the_same():
    spec = replace(synthetic_spec(), name="mine")
    assert distinct_titles([spec, spec]) == ["mine", "mine"]
