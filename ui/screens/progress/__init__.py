"""Läge, Papper per dag, Kvar på papper, Kvalitet, Mitt arbete, Kö."""
