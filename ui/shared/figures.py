"""A figure with what belongs to it: its data as CSV, pictures, and where it comes from."""

from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from irs_core.report.formats import csv_text
from irs_core.text import file_name, markdown
from ui.shared.once import MAX_KEPT, mark_of

_HTML = """
<button type="button" data-format="png">PNG</button>
<button type="button" data-format="svg">SVG</button>
"""
_CSS = """
:host { display: flex; gap: 0.25rem; align-items: center; }
button { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none;
  border: none; border-radius: var(--st-base-radius); cursor: pointer; padding: 0.375rem 0.5rem; }
button:hover, button:focus-visible { background: var(--st-secondary-background-color); }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
# Plotly draws a figure as layers of SVG, with all styles inline: together they are the picture.
_JS = """
const drawn = (key) => {
  const plot = document.querySelector(`.st-key-${CSS.escape(key)} .js-plotly-plot`);
  const layers = plot ? [...plot.querySelectorAll('svg.main-svg')] : [];
  if (!layers.length) return null;
  const { width, height } = layers[0].getBoundingClientRect();
  const page = document.querySelector('[data-testid=stApp]');
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  svg.setAttribute('xmlns', 'http://www.w3.org/2000/svg');
  svg.setAttribute('width', width);
  svg.setAttribute('height', height);
  svg.setAttribute('viewBox', `0 0 ${width} ${height}`);
  const ground = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  ground.setAttribute('width', '100%');
  ground.setAttribute('height', '100%');
  ground.setAttribute('fill', getComputedStyle(page).backgroundColor);
  svg.appendChild(ground);
  for (const layer of layers) svg.appendChild(layer.cloneNode(true));
  return { width, height, text: new XMLSerializer().serializeToString(svg) };
};
const save = (blob, name) => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
};
const picture = async (key, format) => {
  const found = drawn(key);
  if (!found) return;
  const vector = new Blob([found.text], { type: 'image/svg+xml' });
  if (format === 'svg') return save(vector, `${key}.svg`);
  const image = new Image();
  image.src = URL.createObjectURL(vector);
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = 2 * found.width;
  canvas.height = 2 * found.height;
  canvas.getContext('2d').drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  canvas.toBlob((blob) => save(blob, `${key}.png`), 'image/png');
};
export default function ({ parentElement, data }) {
  for (const button of parentElement.querySelectorAll('button')) {
    const format = button.dataset.format;
    button.setAttribute('aria-label', `Download figure ${data.key} as ${format.toUpperCase()}`);
    button.onclick = () => picture(data.key, format);
  }
}
"""
_pictures = st.components.v2.component("irs_pictures", html=_HTML, css=_CSS, js=_JS)
_CONFIG: dict[str, Any] = {"displayModeBar": False, "displaylogo": False}


def show(figure: go.Figure, key: str, frame: pd.DataFrame, *, alt: str, note: str = "") -> None:
    """A figure, below it its downloads and what it rests on.

    Args:
        key: Its name: the widget's key and the name of the downloads.
        frame: The numbers that it draws.
        alt: What it shows, for those who cannot see it.
        note: Where it comes from: n, alpha, confidence, seed, hardware.
    """
    mark = mark_of(figure)
    if mark is None:
        _draw(figure, key, alt)
    else:
        _drawn(mark, key, alt, figure)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        csv_button(frame, key)
        _pictures(data={"key": key}, key=f"pictures-{key}", width="content", height="content")
    if note:
        st.caption(note)


@st.cache_resource(max_entries=MAX_KEPT, show_spinner=False)
def _drawn(mark: str, key: str, alt: str, _figure: go.Figure) -> None:
    """What the browser gets of a shared figure is put together once for all sessions."""
    del mark  # Part of the key only.
    _draw(_figure, key, alt)


def _draw(figure: go.Figure, key: str, alt: str) -> None:
    st.plotly_chart(figure, key=key, alt=alt, config=_CONFIG)


def csv_button(frame: pd.DataFrame, name: str) -> None:
    """The download of a table; its text is only made when it is asked for."""
    file = f"{file_name(name)}.csv"
    st.download_button(
        "CSV",
        lambda: csv_text(frame),
        file,
        "text/csv",
        key=f"csv-{name}",
        help=f"Download the numbers as {markdown(file)}",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
