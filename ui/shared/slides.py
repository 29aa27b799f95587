"""One figure and one sentence at a time, over the whole screen; arrow keys turn the leaf."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go
import streamlit as st

_STYLE = """<style>
[data-testid=stSidebar], [data-testid=stHeader], [data-testid=stExpandSidebarButton] {
  display: none; }
[data-testid=stMainBlockContainer] { max-width: 100%; padding: 2.5rem 5vw 1rem; }
.st-key-slides_title { position: absolute; left: -100vw; }
.st-key-slide p { font-size: clamp(1.15rem, 2.1vw, 1.9rem); line-height: 1.4; max-width: 60em; }
</style>"""
_HTML = '<button type="button">Full screen</button>'
_CSS = """
button { font: inherit; color: var(--st-text-color); background: none; cursor: pointer;
  border: 1px solid var(--st-border-color); border-radius: var(--st-base-radius);
  padding: 0.35rem 0.75rem; }
button:focus-visible { outline: 2px solid var(--st-primary-color); }
"""
_JS = """
const STEPS = { ArrowRight: 1, PageDown: 1, ArrowLeft: -1, PageUp: -1 };
export default function ({ parentElement, setTriggerValue }) {
  const button = parentElement.querySelector('button');
  button.onclick = () => document.fullscreenElement ? document.exitFullscreen()
    : document.documentElement.requestFullscreen();
  const press = (event) => {
    const step = STEPS[event.key];
    // Keys belong to whatever is being filled in.
    if (!step || event.target.closest?.('input, textarea, select, [role=slider]')) return;
    event.preventDefault();
    setTriggerValue('step', step);
  };
  document.addEventListener('keydown', press);
  return () => document.removeEventListener('keydown', press);
}
"""
_keys = st.components.v2.component("irs_slides", html=_HTML, css=_CSS, js=_JS)
_WHERE = "slide"


@dataclass(frozen=True)
class Slide:
    """What is shown at one time.

    Args:
        sentence: Markdown, one thought.
        figure: Makes the picture; None for words alone.
        alt: What the picture shows, for those who cannot see it.
    """

    sentence: str
    figure: Callable[[], go.Figure] | None = None
    alt: str = ""


def begin(title: str) -> None:
    """The page's title; slides hide it from sight."""
    with st.container(key="slides_title"):
        st.title(title, anchor=False)


def show(slides: Sequence[Slide], leave: Callable[[], None]) -> None:
    """The slide that the address names, and the ways to the others.

    Args:
        leave: Draws the link out.
    """
    st.html(_STYLE)
    at = _position(len(slides))
    slide = slides[at]
    with st.container(key="slide"):
        st.markdown(slide.sentence)
    if slide.figure is not None:
        # What is drawn is shared with the pages that show it.
        figure = go.Figure(slide.figure())
        figure.update_layout(height=560, font={"size": 18}, legend_font_size=18)
        figure.update_xaxes(title_font_size=18, tickfont_size=16)
        figure.update_yaxes(title_font_size=18, tickfont_size=16)
        figure.update_annotations(font_size=16)
        st.plotly_chart(figure, key=f"slide-{at}", config={"displayModeBar": False}, alt=slide.alt)
    with st.container(horizontal=True, vertical_alignment="center"):
        last = len(slides) - 1
        st.button("Back", disabled=at == 0, on_click=_move, args=(-1, last), key="slide_back")
        st.button("Next", disabled=at == last, on_click=_move, args=(1, last), key="slide_next")
        st.markdown(f"{at + 1} of {len(slides)}", width="content")
        _keys(
            key="slide_keys",
            on_step_change=lambda: _move(int(st.session_state["slide_keys"]["step"] or 0), last),
            width="content",
            height="content",
        )
        leave()


def _position(count: int) -> int:
    asked = st.query_params.get(_WHERE, "1")
    return min(max(int(asked), 1), count) - 1 if asked.isdecimal() and len(asked) < 4 else 0


def _move(step: int, last: int) -> None:
    st.query_params[_WHERE] = str(min(max(_position(last + 1) + step, 0), last) + 1)
