"""From a goal to a study: the draws it takes, forecasts, what is certain so far."""
