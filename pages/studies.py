"""Every study at hand, the trash and uploads: whose they are, and what can be done with them."""

from ui.share import keeping
from ui.shared import navigation

navigation.head(
    "Studies",
    "Rename a study, put it away, or delete it; what is deleted can be restored. Links to an "
    "archived study still open it.",
)
keeping.show_studies()
keeping.show_trash()
keeping.show_uploads()
