"""From a form definition to paper: layout, drawing, printing, library of published forms."""
