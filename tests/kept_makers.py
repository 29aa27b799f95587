"""A figure and a table of one number, for tests of what sessions share."""

import pandas as pd
import plotly.graph_objects as go


def figure_of(value: float) -> go.Figure:
    """One point."""
    return go.Figure(go.Scatter(y=[value]))


def frame_of(value: float) -> pd.DataFrame:
    """One cell."""
    return pd.DataFrame({"a": [value]})
