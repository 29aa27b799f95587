"""Goals as people write them, in options and in study files."""

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from synthetic import synthetic_spec

from irs_core.errors import SpecError
from irs_core.spec.goal import Goal, read_goal
from irs_core.spec.study_file import parse_study, study_text

TEXT = """\
schema: 1
model: shipped:digits-0.50
data: {max: 6}
sigma: 0.5
compress: fp16
n: 500
"""


@pytest.mark.parametrize(
    ("lines", "goal"),
    [
        ("goal: {budget: 20000}", Goal(draws=20000)),
        ("goal: {budget: 2.5%}", Goal(share=0.025)),
        ("goal: {budget: 60s}", Goal(seconds=60)),
        ("goal:\n  reach_acr: 0.4", Goal(acr=0.4)),
        ("methods: cirs\ngoal:\n  max_loss: 0.1", Goal(loss=0.1)),
        ("methods: [cirs]\nbaseline: false\nmax_loss: null\ngoal: {reach_acr: 1}", Goal(acr=1.0)),
    ],
)
def test_a_file_names_what_options_name(lines, goal):
    found = parse_study(TEXT + lines)
    assert found.goal == goal
    assert found.spec.methods == ("cirs",)


def test_a_file_without_a_goal_has_none():
    assert parse_study(TEXT).goal is None


@pytest.mark.parametrize(
    ("lines", "place", "rule"),
    [
        ("goal: {budget: 2x}", "line 7, column 16", "budget must be a number of draws, a perc"),
        ("goal: {budget: 0}", "line 7, column 16", "budget must be positive and finite; got 0"),
        ("goal: {budget: 0%}", "line 7, column 16", "budget must be positive"),
        ("goal: {budget: -5}", "line 7, column 16", "got '-5'"),
        ("goal: {budget: nan%}", "line 7, column 16", "got 'nan%'"),
        ("goal: {reach_acr: many}", "line 7, column 19", "reach_acr must be a number"),
        ("goal:\n  reach_acr: 0", "line 8, column 14", "reach_acr must be positive"),
        ("goal: {max_loss: 1e999}", "line 7, column 18", "max_loss must be positive and finite"),
        ("goal: {max_los: 1}", "line 7, column 8", "did you mean max_loss?"),
        ("goal: {}", "line 7, column 1", "goal must say one thing to reach"),
        ("goal: 2%", "line 7, column 7", "goal must be a block of keys"),
        ("goal: {budget: 5%, reach_acr: 1}", "line 7, column 1", "goal takes one of budget"),
        ("n_p: 5%\ngoal: {budget: 5%}", "line 7, column 6", "n_p is chosen by the goal"),
        ("goal: {budget: 5%}\nbound: split", "line 8, column 8", "bound is chosen by the goal"),
        ("goal: {budget: 5%}\nbaseline: true", "line 8, column 11", "baseline is chosen by"),
        ("goal: {budget: 5%}\nmax_loss: 0.1", "line 8, column 11", "max_loss is chosen by"),
        ("goal: {budget: 5%}\nsplit_draws: 9", "line 8, column 14", "split_draws is chosen by"),
        ("goal: {budget: 5%}\nmethods: irs", "line 8, column 10", "methods must be cirs alone"),
    ],
)
def test_mistakes_are_named_with_their_place(lines, place, rule):
    with pytest.raises(SpecError) as raised:
        parse_study(TEXT + lines)
    assert f"study.yaml, {place}" in str(raised.value)
    assert rule in str(raised.value)


_positive = st.floats(1e-3, 1e6)
_goals = st.one_of(
    st.builds(Goal, draws=st.integers(1, 10**12)),
    st.builds(Goal, share=st.integers(1, 1000).map(lambda one: one / 10 / 100)),
    st.builds(Goal, seconds=st.integers(1, 10**7).map(lambda one: one / 8)),
    st.builds(Goal, acr=_positive),
    st.builds(Goal, loss=_positive),
)


@given(_goals)
def test_any_goal_round_trips(goal):
    # A study as the goal once chose it: the file says the goal in place of that choice.
    spec = synthetic_spec(
        methods=("cirs",), n_p=(40,), baseline=False, bound="joint", max_loss=0.25, split_draws=9
    )
    text = study_text(spec, goal)
    found = parse_study(text)
    assert found.goal == goal
    assert not {"n_p", "max_loss", "split_draws", "bound", "baseline"} & found.given
    assert (found.spec.n, found.spec.alpha) == (spec.n, spec.alpha)
    assert list(yaml.safe_load(text)["goal"]) == list(goal.written)


def test_a_goal_is_one_positive_thing():
    with pytest.raises(SpecError, match="one thing to reach; got none"):
        Goal()
    with pytest.raises(SpecError, match="got draws, acr"):
        Goal(draws=1, acr=1.0)
    for value in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(SpecError, match="reach_acr must be positive and finite"):
            Goal(acr=value)
    with pytest.raises(SpecError, match="budget and max_loss"):
        read_goal(budget="1%", max_loss=0.1)
