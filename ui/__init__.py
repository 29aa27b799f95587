"""The dashboard: loaders, widgets and figures. Pages only put them together."""

import logging

# Streamlit imports the app before it runs anything, and says so for every cache that it meets.
logging.getLogger("streamlit.runtime.caching.cache_data_api").addFilter(
    lambda record: not record.getMessage().startswith("No runtime found")
)
