"""How docs/ and the README become a site: ``repository`` says what each link means there, ``hooks`` are mkdocs's."""
