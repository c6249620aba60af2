-- The last step of the clock since a start is looked for at the next one.
CREATE INDEX journal_clock_stepped ON journal (tenant, seq) WHERE kind = 'clock.stepped';
