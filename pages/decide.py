"""May a compressed model replace the original? The first page."""

import streamlit as st

from irs_core.text import markdown
from ui.decide import answer, decisions, picture, printed, question, sequential, waterfall
from ui.shared import (
    analyses,
    columns,
    figures,
    foresight,
    grid,
    navigation,
    notes,
    opening,
    page_list,
    refusals,
    tour,
)
from ui.shared.once import once

navigation.head(
    "decide",
    "A compressed model may replace the original if it withstands nearly as much wherever the "
    "original does: a non-inferiority test at a certified radius.",
)
opened = opening.one_sided(opening.open_study(), "Decisions")
with refusals.explained():
    name, requirement = question.ask(opened)
    found = decisions.decisions(opened.study, opened.settings, requirement)
    rows = analyses.overview(opened.study, opened.settings)
if name not in found:
    st.info("The draws of this model are not all stored: run the study to its end.")
    st.stop()
decision = found[name]
row = next(one for one in rows if one.name == name)

moved = opened.ledger.moved
answer.show_verdict(decision, answer.facts(row, rows[0]), moved)
for condition in opened.ledger.decision_conditions:
    st.caption(markdown(condition))

left, right = st.columns([3, 2])
equal = analyses.at_equal_draws(opened.study, opened.settings, name)
with left:
    if equal is None:
        sequential.show(opened, name)
    else:
        figures.show(
            once(picture.radii_picture, equal, decision, requirement, row.colour),
            "decision",
            once(picture.points, equal, decision, exploring=bool(moved)),
            alt=f"Certified radius of every input under the original and {decision.model}, both "
            f"with {equal.n_p:,} draws; {len(decision.may_lose)} inputs may be lost",
            note="",
        )
with right:
    if equal is not None:
        gaps = decisions.gaps(opened.study, opened.settings, name)
        st.markdown(answer.gap_sentence(gaps, equal.n, equal.n_p))
    st.markdown(
        answer.known(requirement, int(opened.analysis.rows.sum()), opened.record.spec.noise.sigma)
    )
    sequential.offer(opened, name, decision)
    printed.offer(opened, name, decision)
    if not moved:
        page_list.link("present", **question.link_of(opened, name, requirement))
    tour.offer(opened.record.id)
with st.expander("What fewer draws cost, what compression costs", icon=":material/bar_chart:"):
    waterfall.show(opened, name, decision.model, row.colour, (requirement.radius,))
with figures.rests_on():
    notes.caption(opened)
with st.expander("The same question in continuous integration", icon=":material/terminal:"):
    st.code(answer.gate_command(opened.record.id, name, requirement), language="bash")
st.header("All candidates", anchor=False)
together = decisions.together(opened.study, opened.settings, requirement)
grid.table(
    once(answer.candidates, found, rows, together, exploring=bool(moved)),
    f"decisions-{opened.record.id}",
    columns.decisions(),
    alt="Verdict, possible losses, size and speed of every compressed model",
)
if together is not None and not moved:
    st.caption(markdown(together.sentence))
foresight.look_from(
    opened.study,
    opened.settings,
    ("decide", requirement, name),
    lambda work: decisions.foresee(opened.study, requirement, name, work),
)
