"""What can be certified: models, compressions, data."""

import streamlit as st

from ui import catalogue

st.title("Models and data")
st.markdown("What can be certified here, what can be done to it, and where your own files go.")

catalogue.show_models()
catalogue.show_compressions()
catalogue.show_data()
