-- Pairs of numbers under keys (store.Count): what a tenant's spam filter learned. turn is when one was written last, as its kind counts.
CREATE TABLE learned (
	{tenant}
	kind {int} NOT NULL,
	key  {int} NOT NULL,
	a    {int} NOT NULL,
	b    {int} NOT NULL,
	turn {int} NOT NULL,
	PRIMARY KEY ({t,}kind, key)
){norowid};
CREATE INDEX learned_old ON learned ({t,}kind, turn, key);
