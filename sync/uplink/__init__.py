"""The way from a counter up to the centre and back: enrolment, results, evidence, letters."""
