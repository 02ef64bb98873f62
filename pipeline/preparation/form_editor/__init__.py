"""The form editor: a form from draft over trial on paper to publication."""
