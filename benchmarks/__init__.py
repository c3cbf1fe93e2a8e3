"""What things cost beside what they cost elsewhere (`make bench`), and what the tests find (`make stats`)."""
