-- Who works: each worker process writes here every few seconds that it still does, so that everyone sees when nobody does.
CREATE TABLE workers (
  id uuid PRIMARY KEY,
  hostname text NOT NULL,
  version text NOT NULL,
  started_at timestamptz(3) NOT NULL,
  seen_at timestamptz(3) NOT NULL,
  last_job_at timestamptz(3),
  last_fed_at timestamptz(3)
);
