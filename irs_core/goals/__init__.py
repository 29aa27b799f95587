"""From a wish to a study: budgets, forecasts, what is certain so far."""
