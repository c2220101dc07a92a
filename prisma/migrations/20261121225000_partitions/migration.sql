-- Events and attempts in slices of time: what is old goes with its slice (packages/core/src/retention). Deliveries are not
-- sliced: each statement that changes them would open all slices (measured at six: load +28 %, record +26 %, claim +30 %).
--
-- The tables of before become the first slice as they are, nothing is copied. The next ones are made ahead by the workers.
-- Where there is none a row goes into `…_other`, so that no insert ever fails for want of a slice.

-- The smallest UUIDv7 of a moment: what is older sorts before it.
CREATE FUNCTION posthorn_uuid_at(moment timestamptz) RETURNS uuid
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid $$;

ALTER TABLE events RENAME TO events_first;
ALTER INDEX events_pkey RENAME TO events_first_pkey;
ALTER INDEX events_account_id_id_idx RENAME TO events_first_account_id_id_idx;
CREATE TABLE events (LIKE events_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (id);
ALTER TABLE events ADD PRIMARY KEY (id);
CREATE INDEX events_account_id_id_idx ON events (account_id, id);
CREATE TABLE events_other PARTITION OF events DEFAULT;

-- No unique index reaches over slices. That a number is recorded once is held by attempt_count, under the delivery's lock.
ALTER TABLE attempts RENAME TO attempts_first;
ALTER INDEX attempts_pkey RENAME TO attempts_first_pkey;
DROP INDEX attempts_delivery_id_number_key;
ALTER INDEX attempts_verification_id_idx RENAME TO attempts_first_verification_id_idx;
CREATE TABLE attempts (LIKE attempts_first INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (id);
ALTER TABLE attempts ADD PRIMARY KEY (id);
CREATE INDEX attempts_delivery_id_number_idx ON attempts (delivery_id, number);
CREATE INDEX attempts_verification_id_idx ON attempts (verification_id);
CREATE TABLE attempts_other PARTITION OF attempts DEFAULT;

-- Until the day after tomorrow, so that the next slice is there before it begins. An id of a clock that is far ahead goes to
-- the other ones.
DO $$
DECLARE
  until uuid := posthorn_uuid_at((date_trunc('day', now() AT TIME ZONE 'UTC') + interval '2 days') AT TIME ZONE 'UTC');
  sliced text;
BEGIN
  FOREACH sliced IN ARRAY ARRAY['events', 'attempts'] LOOP
    EXECUTE format('WITH ahead AS (DELETE FROM %I WHERE id >= %L RETURNING *) INSERT INTO %I SELECT * FROM ahead', sliced || '_first', until, sliced);
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (MINVALUE) TO (%L)', sliced, sliced || '_first', until);
  END LOOP;
END
$$;
