"""A study from specification to numbers: plan, run, tally, analyse."""
