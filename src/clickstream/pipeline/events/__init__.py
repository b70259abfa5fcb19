"""Events in all their forms: lines of CSV, columns, messages; and made-up ones."""
