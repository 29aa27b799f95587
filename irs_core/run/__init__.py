"""From a specification to evidence: plan, prepare, fill what is missing."""
