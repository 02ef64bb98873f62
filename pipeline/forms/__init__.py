"""A form definition becomes paper: layout, drawing, printing, library of published forms."""
