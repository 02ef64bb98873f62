"""The rules of review: asked fields, agreement, second reviewer, sums, sampling."""
