"""Studies and trainings that wait, run or have ended."""

from ui.certify import job_cards
from ui.shared import navigation

navigation.head(
    "jobs",
    "Studies and trainings run in processes of their own: closing the browser stops nothing, and "
    "what was cancelled continues where it was.",
)
job_cards.show_jobs()
