"""Commands by which entries leave Efterskrift."""
