"""Networks as pictures: trace a run, arrange what was seen, draw it; and tables of sizes."""
