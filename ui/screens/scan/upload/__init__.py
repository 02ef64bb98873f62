"""What is uploaded on Skanna: files, a folder, photos, and tables that need a form."""
