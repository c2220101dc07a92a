-- Header values belong to the origin (scheme, host, port) that they were entered for. Each set of values stands beside its URL with
-- that origin, and a CHECK keeps the two together: no statement can combine a URL with values of another origin.

-- The origin of a URL as the WHATWG parser writes it (lower case, punycode, no default port, no user). null: not such a URL.
CREATE FUNCTION posthorn_url_origin(url text) RETURNS text
  LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN substring(url FROM '^(https?://[^/?#@\\]+)/');

ALTER TABLE subscriptions
  ADD COLUMN headers_origin         text,
  ADD COLUMN pending_headers_sealed bytea,
  ADD COLUMN pending_headers_origin text;

UPDATE subscriptions SET headers_origin = posthorn_url_origin(url) WHERE headers_sealed IS NOT NULL;

ALTER TABLE subscriptions
  ADD CONSTRAINT subscriptions_headers_origin_check CHECK (
    (headers_sealed IS NULL) = (headers_origin IS NULL)
    AND (headers_origin IS NULL OR headers_origin IS NOT DISTINCT FROM posthorn_url_origin(url))),
  ADD CONSTRAINT subscriptions_pending_headers_origin_check CHECK (
    (pending_headers_sealed IS NULL) = (pending_headers_origin IS NULL)
    AND (pending_headers_origin IS NULL OR pending_headers_origin IS NOT DISTINCT FROM posthorn_url_origin(pending_url)));
