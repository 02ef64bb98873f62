"""The yearly drill (övning): ten sheets are printed, filled in, scanned and judged on one page."""
