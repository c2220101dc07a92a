-- How a subscription authenticates its requests (packages/core/src/secrets/own-access.ts). A subscription without it has nulls, which take
-- no space, and costs no other statement. The credentials belong to the origin of the URL that they were entered for, like custom headers.
ALTER TABLE subscriptions
  ADD COLUMN authentication_sealed bytea,
  ADD COLUMN authentication_origin text,
  ADD COLUMN pending_authentication_sealed bytea,
  ADD COLUMN pending_authentication_origin text,
  -- PEM: trusted in addition to the public authorities.
  ADD COLUMN certificate_authorities text,
  ADD CONSTRAINT subscriptions_authentication_origin_check CHECK (
    (authentication_sealed IS NULL) = (authentication_origin IS NULL)
    AND (authentication_origin IS NULL OR authentication_origin IS NOT DISTINCT FROM posthorn_url_origin(url))),
  ADD CONSTRAINT subscriptions_pending_authentication_origin_check CHECK (
    (pending_authentication_sealed IS NULL) = (pending_authentication_origin IS NULL)
    AND (pending_authentication_origin IS NULL OR pending_authentication_origin IS NOT DISTINCT FROM posthorn_url_origin(pending_url)));

-- The authentication of an attempt failed, so nothing was sent to the endpoint.
ALTER TYPE attempt_outcome ADD VALUE 'auth_error' AFTER 'tls_error';
ALTER TABLE stats ADD COLUMN auth_error integer;
