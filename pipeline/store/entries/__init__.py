"""Entries, their answers, versions and pages, how deep they are typed, their place in the queue."""
