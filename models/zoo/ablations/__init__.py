"""What the parts of the networks are good for: arms that differ in one respect, trained alike, beside what the papers claim."""
