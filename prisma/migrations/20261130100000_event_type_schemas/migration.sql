-- Every version of an event type's schema (packages/core/src/event-types/put-event-types.ts). The versions of a deleted type stay, so that
-- a type with the same name never uses a version again: processes keep compiled schemas by name and version.
CREATE TABLE event_type_schemas (
  name        varchar(128)   NOT NULL,
  version     integer        NOT NULL,
  schema      json           NOT NULL,
  created_at  timestamptz(6) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  PRIMARY KEY (name, version)
);

ALTER TABLE event_types ADD COLUMN schema_version integer;
-- Whether a publish is refused if its payload does not match the schema: `off` or `reject`.
ALTER TABLE event_types ADD COLUMN enforcement varchar(16) NOT NULL DEFAULT 'off';

INSERT INTO event_type_schemas (name, version, schema, created_at) SELECT name, 1, schema, updated_at FROM event_types WHERE schema IS NOT NULL;
UPDATE event_types SET schema_version = 1 WHERE schema IS NOT NULL;
