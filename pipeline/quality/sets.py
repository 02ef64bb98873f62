"""What the table of quality is made of: one measurement a kind of field and source, in the order of the table."""

from __future__ import annotations

from pipeline.quality.boxes import digits, forms
from pipeline.quality.handwritten import handwritten
from pipeline.quality.marks import mark_rows
from pipeline.quality.measure import Measurement
from pipeline.quality.persons import persons

MEASUREMENTS: dict[str, Measurement] = {"digits": digits, "forms": forms, "handwriting": handwritten, "marks": mark_rows, "person": persons}
