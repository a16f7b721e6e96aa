-- What a run's memory ledger held after the step, and at most; 0 where it is not known.
ALTER TABLE run_steps ADD COLUMN ledger_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE run_steps ADD COLUMN ledger_peak_bytes INTEGER NOT NULL DEFAULT 0;
