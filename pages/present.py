"""The decision about one model as slides: the answer, gains, costs, what is covered."""

from functools import partial

from irs_core.text import markdown
from ui.decide import answer, decisions, picture, question, waterfall
from ui.explore import pareto
from ui.shared import analyses, captions, choice, navigation, opening, page_list, refusals, slides
from ui.shared.once import once
from ui.shared.slides import Slide

navigation.begin("present")
slides.begin(page_list.title("present"))
with refusals.explained():
    opened = opening.linked_study()
    name, requirement = question.linked(opened)
    study, settings = opened.study, opened.settings
    decision = decisions.only(study, settings, requirement, name)
    rows = analyses.overview(study, settings)
equal = analyses.at_equal_draws(study, settings, name)
gaps = decisions.gaps(study, settings, name)
row = next(one for one in rows if one.name == name)
shown = [
    Slide(
        answer.verdict_sentence(decision, answer.facts(row, rows[0])),
        partial(once, picture.radii_picture, equal, decision, requirement, row.colour)
        if equal is not None
        else None,
        f"Certified radius of every input under the original and {decision.model}",
    ),
    Slide(
        choice.headline(opened.record, rows, captions.union_failure(rows), (), study.banner),
        partial(once, pareto.pareto, rows, "size"),
        "Average certified radius of every model against its size",
    ),
]
if equal is not None and gaps:
    shown.append(
        Slide(
            answer.gap_sentence(gaps, equal.n, equal.n_p),
            partial(
                once,
                waterfall.picture,
                gaps[0],
                decision.model,
                row.colour,
                n=equal.n,
                n_p=equal.n_p,
            ),
            "What fewer draws cost and what compression costs in average certified radius",
        )
    )
opening.warn(opened)
covered = answer.known(requirement, int(opened.analysis.rows.sum()), opened.record.spec.noise.sigma)
about = f"{markdown(opened.record.title)} · study {opened.record.id}"
shown.append(
    Slide("\n\n".join((covered, *map(markdown, opened.ledger.decision_conditions), about)))
)
slides.show(
    shown,
    partial(page_list.link, "decide", "Leave", study=opened.record.id),
)
