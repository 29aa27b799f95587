"""Studies that wait, run or have ended."""

import streamlit as st

from ui import job_cards

st.title("Jobs")
st.markdown(
    "Studies run in processes of their own: closing the browser stops nothing, and a cancelled "
    "study continues where it was."
)
job_cards.show_jobs()
