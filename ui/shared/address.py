"""One entry of the browser's history per view: Back leaves a page in one step."""

import streamlit as st

# A page that is opened without a study names the one it shows, which is no step of the reader's.
_JS = """
export default function () {
  if (Object.hasOwn(history, 'pushState')) return;
  const push = history.pushState.bind(history), replace = history.replaceState.bind(history);
  history.pushState = (state, title, url) => {
    const to = new URL(url ?? location.href, location.href);
    const named = (place) => new URLSearchParams(place.search).has('study');
    const completes = to.pathname === location.pathname && named(to) && !named(location);
    (completes ? replace : push)(state, title, url);
  };
}
"""
_history = st.components.v2.component("irs_history", js=_JS)


def complete_in_place() -> None:
    """What a page adds to an address that named no study takes the place of that address."""
    # `theme.STYLE` takes its empty place away.
    _history(key="history")
