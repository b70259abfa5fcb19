-- A reject that was sent again stays, marked: its payload is not lost, and it keeps its row when its message is read
-- again after a rewind. No index: rejects are few, and are read by people.
ALTER TABLE rejected_events ADD COLUMN replayed_at timestamptz;
