-- A replay has every filter of the list of deliveries. An empty array, or null, matches all.
ALTER TABLE replays
  ADD COLUMN status_codes  text[]             DEFAULT ARRAY[]::text[],
  ADD COLUMN triggers      attempt_trigger[]  DEFAULT ARRAY[]::attempt_trigger[],
  ADD COLUMN of_replay_id  uuid,
  ADD COLUMN q             text;
