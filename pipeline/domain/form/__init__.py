"""The definition of a form: `form.yaml` as objects, field kinds and their traits."""
