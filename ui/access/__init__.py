"""What is in front of Streamlit: who may open which session, upload, or fetch a file."""
