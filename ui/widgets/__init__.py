"""What do several screens show alike: headings, tables, errors, images."""
