"""Pure rules of review: what is asked, agreement, second reviewer, sums, sampling."""
