"""The web interface (Streamlit). It decides nothing: rules and permissions are in `pipeline`."""
