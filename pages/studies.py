"""Every study at hand, the trash and uploads: whose they are, and what can be done with them."""

from ui.share import collection, keeping
from ui.shared import navigation

navigation.head(
    "studies",
    "Find, open or compare studies. Rename, tag, pin or archive your own: links to an archived "
    "study still open it, and what is deleted can be restored.",
)
collection.show_studies()
keeping.show_trash()
keeping.show_uploads()
