"""How well pages are read, measured: pages filled in and spoilt by drawing, and real writing set aside."""
