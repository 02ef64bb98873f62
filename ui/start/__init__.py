"""How a request of a browser becomes a run of the app: the gate, the server, the menu."""
