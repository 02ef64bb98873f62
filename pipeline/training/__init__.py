"""Scripts that train the networks under `data/models`. Run by hand; nothing in the product imports them."""
