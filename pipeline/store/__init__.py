"""The store: one database (SQLite, or PostgreSQL by URL) and one folder of images. The only place with SQL.

* `database` opens it; `images`, `events`, `issued`, `registers`, `people` keep what their names say.
* `pages` takes paper in, `sheets` makes entries of what was read, `duplicates` knows what came twice, `page_states` where a page stands.
* `claims` gives entries to people, `entry_views` shows them, `decisions` and `corrections` write down what people decide, `answers` field by field.
* `records` are confirmed entries as exports need them; `counts` are figures.

Functions take a connection from `Store.begin()` or `Store.read()`; those that act for a person take the person and ask `pipeline.access`.
"""
