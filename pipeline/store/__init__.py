"""Tables, queries, images and events: the only place with SQL."""
