"""Files of the example as they stand in a project: preprocessing, recipes, and its world."""
