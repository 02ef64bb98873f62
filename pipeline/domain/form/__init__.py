"""What a form is: form.yaml as objects, field kinds and their traits."""
