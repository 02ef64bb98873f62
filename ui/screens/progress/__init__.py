"""The screens Läge, Papper per dag, Kvar på papper, Kvalitet, Mitt arbete and Kö."""
