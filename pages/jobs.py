"""Studies that wait, run or have ended."""

from ui import job_cards, navigation

navigation.head(
    "Jobs",
    "Studies run in processes of their own: closing the browser stops nothing, and a cancelled "
    "study continues where it was.",
)
job_cards.show_jobs()
