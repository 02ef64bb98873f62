"""Stage 5: values weighed against register, dates, sums and neighbours."""
