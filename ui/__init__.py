"""The web interface (Streamlit); rules and permissions are in `pipeline`."""
