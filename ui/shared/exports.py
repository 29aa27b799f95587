"""Figures as files for slides and papers: drawn anew on white, in a size that fits.

The browser draws them with the Plotly that comes with the program, served under `PLOTLY_PATH`, in a
font that every machine has, so that a picture looks the same elsewhere and in either theme.
"""

from importlib import resources

import streamlit as st
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from ui.shared import served

PLOTLY_PATH = "/figures/plotly.min.js"

_HTML = """
<select aria-label="Size">
  <option value="shown">As shown</option>
  <option value="slide">Slide, 16:9</option>
  <option value="column">Paper, one column</option>
  <option value="double">Paper, two columns</option>
</select>
<button type="button" data-format="png">PNG</button>
<button type="button" data-format="svg">SVG</button>
<button type="button" data-format="pdf">PDF</button>
<button type="button" data-format="caption">Caption</button>
"""
_CSS = """
:host { display: flex; flex-wrap: wrap; gap: 0.25rem; align-items: center; }
button, select { font: inherit; font-size: 0.875rem; color: var(--st-text-color); background: none;
  border: none; border-radius: var(--st-base-radius); cursor: pointer; padding: 0.375rem 0.5rem; }
select { border: 1px solid var(--st-border-color); }
option { color: #1b2430; background: #fff; }
button:hover, button:focus-visible { background: var(--st-secondary-background-color); }
:is(button, select):focus-visible { outline: 2px solid var(--st-primary-color); }
"""
_JS = """
// Width and height in CSS pixels (96 an inch) and the size of letters: 8 point in a paper.
const SIZES = { shown: [760, 480, 14], slide: [1280, 720, 24], column: [331, 260, 10.7],
  double: [672, 380, 10.7] };
const FONT = 'Arial, Helvetica, sans-serif';
const INK = '#1b2430';

const plotly = (url) => window.irsPlotly ??= new Promise((done, failed) => {
  const script = document.createElement('script');
  script.src = url;
  script.onload = () => done(window.Plotly);
  script.onerror = () => { window.irsPlotly = undefined; failed(new Error(url)); };
  document.head.appendChild(script);
});
// Every size of letters, lines and marks grows alike.
const scaled = (value, factor, key) => {
  if (Array.isArray(value)) return value.map((one) => scaled(one, factor, key));
  if (value && typeof value === 'object' && value.constructor === Object) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, scaled(one, factor, name)]));
  }
  return key === 'size' && typeof value === 'number' ? value * factor : value;
};
const axes = (layout) => Object.keys(layout).filter((name) => /^[xy]axis[0-9]*$/.test(name));
// Rows of the legend below a figure, by the length of its longest name.
const legendRows = (data, layout, width, size) => {
  const names = data.filter((one) => one.showlegend !== false && one.name && one.visible !== false)
    .map((one) => one.name.replace(/<[^>]*>/g, '').length);
  if (layout.showlegend === false || names.length < 2) return 0;
  const each = 0.5 * size * Math.max(...names) + 4 * size;
  return Math.ceil(names.length / Math.max(1, Math.floor((width - 20) / each)));
};
// A title that is longer than its axis goes on below.
const folded = (axis, room, size) => {
  const text = axis.title?.text ?? '';
  return text.length * 0.55 * size > room ? text.replace(' (', '<br>(') : text;
};
const drawn = (plot, [width, least, size]) => {
  const factor = size / 14;
  const data = scaled(JSON.parse(JSON.stringify(plot.data)), factor);
  const layout = scaled(JSON.parse(JSON.stringify(plot.layout)), factor);
  const rows = legendRows(data, layout, width, size) * Math.max(19, 1.45 * size) + 6;
  const height = Math.round(Math.max(least, 0.7 * least + rows));
  const room = height - rows - 5 * size;
  Object.assign(layout, { template: {}, width, height, paper_bgcolor: '#fff', plot_bgcolor: '#fff',
    font: { family: FONT, size, color: INK }, autosize: false,
    margin: { l: 10, r: 12, t: Math.round(1.6 * size), b: Math.round(3.6 * size + rows) } });
  // Below the figure nothing is in its way, whatever its length.
  layout.legend = { ...layout.legend, orientation: 'h', x: 0, xanchor: 'left', xref: 'container',
    y: 0, yref: 'container', yanchor: 'bottom', font: { size: 0.9 * size } };
  for (const name of axes(layout)) {
    const axis = { ...layout[name], gridcolor: '#e3e7ec', linecolor: INK,
      zerolinecolor: '#c5ccd5', automargin: true };
    const length = name.startsWith('y') ? room : width - 6 * size;
    axis.title = { ...axis.title, text: folded(axis, length, size),
      standoff: 0.6 * size };
    layout[name] = axis;
  }
  return { data, layout };
};
const save = (url, name) => {
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
};
const printed = (svg, [width, height]) => {
  const sheet = `<!doctype html><title>figure</title><style>@page{size:${width}px ${height}px;`
    + `margin:0}body{margin:0}svg{display:block}</style>${svg}`;
  const opened = window.open(URL.createObjectURL(new Blob([sheet], { type: 'text/html' })));
  if (opened) opened.onload = () => opened.print();
};
const picture = async (data, format, size) => {
  const plot = document.querySelector(`.st-key-${CSS.escape(data.key)} .js-plotly-plot`);
  if (!plot) return;
  const Plotly = await plotly(data.plotly);
  const figure = drawn(plot, SIZES[size]);
  const { width, height } = figure.layout;
  const kind = format === 'png' ? 'png' : 'svg';
  const url = await Plotly.toImage(figure, { format: kind, width, height,
    scale: kind === 'png' ? 3 : 1 });
  const text = kind === 'svg' ? decodeURIComponent(url.slice(url.indexOf(',') + 1)) : '';
  if (format === 'pdf') return printed(text, [width, height]);
  const name = `${data.name}${size === 'shown' ? '' : `-${size}`}.${kind}`;
  if (kind === 'png') return save(url, name);
  const file = URL.createObjectURL(new Blob([text], { type: 'image/svg+xml' }));
  save(file, name);
  setTimeout(() => URL.revokeObjectURL(file), 1000);
};
export default function ({ parentElement, data }) {
  const size = parentElement.querySelector('select');
  size.setAttribute('aria-label', `Size of figure ${data.key}`);
  for (const button of parentElement.querySelectorAll('button')) {
    const format = button.dataset.format;
    if (format === 'caption') {
      button.setAttribute('aria-label', `Copy the caption of figure ${data.key}`);
      button.onclick = () => navigator.clipboard.writeText(data.caption)
        .then(() => { button.textContent = 'Copied'; });
      continue;
    }
    button.setAttribute('aria-label', `Download figure ${data.key} as ${format.toUpperCase()}`);
    button.onclick = () => picture(data, format, size.value);
  }
}
"""
_pictures = st.components.v2.component("irs_pictures", html=_HTML, css=_CSS, js=_JS)


def buttons(key: str, name: str, caption: str) -> None:
    """A figure as PNG, SVG or PDF (printed), in a chosen size, and its caption.

    Args:
        key: The figure's key on the page.
        name: Of the files, without what their kind adds.
        caption: What the figure shows and where it comes from, plain text.
    """
    data = {"key": key, "name": name, "caption": caption, "plotly": served.below(PLOTLY_PATH)}
    _pictures(data=data, key=f"pictures-{key}", width="content", height="content")


def _plotly(request: Request) -> Response:
    with resources.as_file(resources.files("plotly") / "package_data" / "plotly.min.js") as script:
        return FileResponse(
            script, media_type="text/javascript", headers={"cache-control": "max-age=86400"}
        )


def routes() -> list[Route]:
    """What the server answers for figures."""
    return [Route(served.below(PLOTLY_PATH), _plotly)]
