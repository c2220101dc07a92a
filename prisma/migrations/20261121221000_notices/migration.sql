-- What operators are told by webhook. A notice is written by the statement that makes the change it tells of, and becomes an
-- ordinary event afterwards: so none is lost, whatever dies in between.
CREATE TABLE notices (
  id               uuid           PRIMARY KEY,
  type             varchar(128)   NOT NULL,
  account_id       varchar(64)    NOT NULL,
  subscription_id  uuid           NOT NULL,
  delivery_id      uuid,
  detail           json           NOT NULL DEFAULT '{}',
  created_at       timestamptz(3) NOT NULL DEFAULT CURRENT_TIMESTAMP
);
-- How far it was towards being disabled when the operators were last warned, in percent: 0, 50 or 75.
ALTER TABLE subscriptions ADD COLUMN failing_warned integer NOT NULL DEFAULT 0 CHECK (failing_warned IN (0, 50, 75));
