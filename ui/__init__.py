"""The web interface (Streamlit). Decides nothing: every choice and every right is a function of
`pipeline`.
"""
