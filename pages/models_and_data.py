"""What can be certified: models, compressions, data."""

from ui.certify import catalogue
from ui.shared import navigation

navigation.head(
    "models_and_data",
    "What can be certified here, what can be done to it, and where your own files go.",
)

catalogue.show_models()
catalogue.show_compressions()
catalogue.show_data()
