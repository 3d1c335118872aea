"""That there is no plan: which requirements conflict, and the cheapest ways out."""
