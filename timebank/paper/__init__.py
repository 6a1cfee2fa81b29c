"""Papers: tagged PDF (PDF/UA) from our own templates."""
