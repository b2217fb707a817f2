"""Who is calling: verified ID tokens, and the principal that they name."""
