-- The sentence of the last attempt: why it failed, and what to do about it.
ALTER TABLE verifications ADD COLUMN error text;
