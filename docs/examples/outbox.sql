CREATE TABLE outbox (
  id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  account text NOT NULL,
  event   text NOT NULL,
  payload json NOT NULL, -- json keeps the text as it is; jsonb reorders its keys
  error   text           -- why Posthorn refused the event
);
