"""The dashboard: `streamlit run app.py`."""

import streamlit as st

st.set_page_config(page_title="Incremental robustness certification", page_icon="🛡️", layout="wide")

st.navigation(
    {
        "Start here": [
            st.Page(
                "pages/overview.py",
                title="Overview",
                icon=":material/space_dashboard:",
                default=True,
            ),
            st.Page(
                "pages/models_and_data.py",
                title="Models and data",
                icon=":material/inventory_2:",
                url_path="models",
            ),
        ],
        "Run": [
            st.Page(
                "pages/certify.py",
                title="Certify",
                icon=":material/verified_user:",
                url_path="certify",
            ),
            st.Page(
                "pages/jobs.py",
                title="Jobs",
                icon=":material/pending_actions:",
                url_path="jobs",
            ),
        ],
        "Explore": [
            st.Page(
                "pages/acr_time.py",
                title="ACR vs time",
                icon=":material/speed:",
                url_path="acr-time",
            ),
            st.Page(
                "pages/zeta_table.py",
                title="zeta table",
                icon=":material/difference:",
                url_path="zeta",
            ),
            st.Page(
                "pages/pa_histogram.py",
                title="pA histogram",
                icon=":material/bar_chart:",
                url_path="pa",
            ),
            st.Page(
                "pages/gamma_sweep.py",
                title="gamma sweep",
                icon=":material/tune:",
                url_path="gamma",
            ),
        ],
    }
).run()
