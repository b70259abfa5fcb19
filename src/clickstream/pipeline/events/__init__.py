"""Events as lines of CSV, as columns and as messages; and generated ones."""
