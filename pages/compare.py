"""Two models at equal draws: their differences, and the inputs that changed sides."""

from ui.explore import compare
from ui.shared import figures, navigation, notes, opening, pickers

navigation.head(
    "compare",
    "Which of two models is more robust, and on which inputs do they differ? Both are certified "
    "from the same draws. They may be of one study, or of two on the same inputs and noise.",
    ("acr", "certified", "radius", "interval", "n_p", "alpha", "alpha_zeta"),
)

opened = opening.open_study()
sides = compare.pick_sides(opened)
figures.also(**compare.named(sides))
found = compare.find(sides, opened.settings)
key = "-".join(dict.fromkeys(one.study.record.id for one in sides))
radii = pickers.pick_radii(opened.record.spec.noise.sigma)
compare.show_differences(sides, found, radii, key)
studies = {one.study.record.id: one.study for one in sides}
compare.show_curves(sides, found, notes.notes(list(studies.values()), opened.settings))
compare.show_changed(sides, found, opened, key)
