"""Components with JavaScript: one Python wrapper each, scripts in `js/`, styles in `css/`."""
