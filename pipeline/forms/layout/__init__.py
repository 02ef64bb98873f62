"""The layout of a form: from an outline to boxes on A4."""
