"""What every session needs, loaded before the first person comes and then kept out of the garbage collector's sight.

A full collection looks through all that the process holds: with the modules of the screens that is some hundred thousand objects and 130–180 ms, in
which nobody's screen goes on. What is loaded here never becomes garbage, so `gc.freeze` sets it aside: a collection then takes about 10 ms. Streamlit
would do one after every run, also after every field that is left; it is told not to (`runner.postScriptGC`), for Python does it as garbage piles up.
"""

from __future__ import annotations

import gc
from contextlib import suppress
from importlib import import_module
from pkgutil import iter_modules

from pipeline.errors import EfterskriftError
from ui import screens
from ui.site import open_site


def load() -> None:
    """Import all screens, open the workspace with its forms, and set everything aside. A workspace that cannot be opened is told of by the app."""
    for module in iter_modules(screens.__path__):
        import_module(f"{screens.__name__}.{module.name}")
    with suppress(EfterskriftError):
        open_site()
    gc.collect()
    gc.freeze()
