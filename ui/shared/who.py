"""Who uses the app: signing in, what they may do, and why a button cannot be pressed."""

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, NoReturn

import streamlit as st
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from irs_core.actions import Acting, barred
from irs_core.errors import IrsError, NotAllowedError
from irs_core.people import Action, Person, Role
from irs_core.people.register import admitted, is_demo
from ui.shared.library import store_root

# Each session keeps tables and figures; a demo is open to everybody.
DEMO_SESSIONS = 50
_MAY = {
    Role.VIEWER: "looks at every study and changes nothing",
    Role.RUNNER: "starts studies, and changes what is their own",
    Role.ADMIN: "may do everything",
}


def enter() -> None:
    """Let somebody in, or end the page here: to sign in, or with the reason why not."""
    if is_demo() and not _room():
        st.info("Many people look at this demo just now. Reload in a minute.", icon="⏳")
        st.stop()
    person = let_in()
    if person.demo:
        st.info(
            "This is a demo: look at everything; nothing can be started, uploaded or changed. "
            "What you set is seen by you alone.",
            icon=":material/visibility:",
        )
    elif person.name:
        with st.sidebar:
            st.text(f"{person.name}\n{person.role}: {_MAY[person.role]}")
            st.button("Sign out", key="sign_out", icon=":material/logout:", on_click=st.logout)


def let_in() -> Person:
    """Who uses the app; ends the page here for whoever has yet to sign in or may not come in."""
    try:
        person = admitted(_claims())
    except IrsError as error:
        _refuse(error)
    if person is None:
        _sign_in()
    return person


def person() -> Person:
    """Who uses the app.

    Raises:
        NotAllowedError: They are not let in, or have yet to sign in.
        SpecError: Sign-in is configured by half.
    """
    found = admitted(_claims())
    if found is None:
        raise NotAllowedError("nobody has signed in: reload the page to do so")
    return found


def acting() -> Acting:
    """Who uses the app, on its store.

    Raises:
        IrsError: As for `person`.
    """
    return Acting(store_root(), person())


def why_not(action: Action, owner: str = "") -> str:
    """Why whoever uses the app may not take an action, as a sentence; empty where they may."""
    try:
        said = barred(acting(), action, owner)
    except IrsError as error:
        # Their role was taken away while the page was open.
        said = str(error)
    return f"{said[:1].upper()}{said[1:]}." if said else ""


def button(
    label: str,
    action: Action,
    *,
    owner: str = "",
    disabled: bool = False,
    help: str | None = None,
    **options: Any,
) -> bool:
    """A button for an action; whoever may not take it sees it disabled, with the reason.

    Args:
        owner: To whom what the action is about belongs.
        options: Further ones of `st.button`.
    """
    barred = why_not(action, owner)
    return st.button(label, disabled=disabled or bool(barred), help=barred or help, **options)


def _claims() -> Mapping[str, Any] | None:
    """What the provider says of who signed in; None where none is configured."""
    user = dict(st.user)
    # Without a provider Streamlit knows nothing of signing in.
    return user if "is_logged_in" in user else None


def _sign_in() -> NoReturn:
    st.title("Sign in", anchor=False)
    if find_spec("authlib") is None:
        st.error('Signing in needs a package: `.venv/bin/pip install "Authlib>=1.3.2"`.')
        st.stop()
    st.markdown("Studies of robustness are shown to people who are listed here.")
    for provider in _providers():
        name = f"Sign in with {provider}" if provider else "Sign in"
        st.button(
            name, key=f"sign_in_{provider}", type="primary", on_click=st.login, args=_of(provider)
        )
    st.stop()


def _of(provider: str) -> tuple[str, ...]:
    return (provider,) if provider else ()


def _providers() -> list[str]:
    """Names of the providers that can be chosen; an empty one where there is one without a name."""
    section = st.secrets["auth"]
    return (
        [""]
        if "client_id" in section
        else [name for name, value in section.items() if isinstance(value, Mapping)]
    )


def _refuse(error: IrsError) -> NoReturn:
    text = str(error)
    st.error(f"{text[:1].upper()}{text[1:]}.", icon=":material/block:")
    if (_claims() or {}).get("is_logged_in"):
        st.button("Sign out", key="sign_out", on_click=st.logout)
    st.stop()


@st.cache_resource(show_spinner=False)
def _sessions() -> set[str]:
    return set()


def _room() -> bool:
    """Whether this session is one of the first `DEMO_SESSIONS` that are open."""
    context = get_script_run_ctx()
    if context is None or not runtime.exists():
        return True
    open_now, here = _sessions(), runtime.get_instance()
    open_now.intersection_update([one for one in list(open_now) if here.is_active_session(one)])
    if context.session_id not in open_now and len(open_now) >= DEMO_SESSIONS:
        return False
    open_now.add(context.session_id)
    return True
