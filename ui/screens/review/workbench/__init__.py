"""The workbench of Granska: one entry, its fields, client and images, in one component."""
