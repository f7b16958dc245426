-- Texts compare by their bytes, as in SQLite (COLLATE "C"); the functions are those of SQLite, or of
-- ours on it, that shared statements call. Blank lines part the statements.
CREATE TABLE answer (
  delivery_id BIGINT NOT NULL,
  codec SMALLINT NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (delivery_id)
);

CREATE TABLE audit (
  id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  operator TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  what TEXT COLLATE "C" NOT NULL,
  target TEXT COLLATE "C" NOT NULL,
  outcome TEXT COLLATE "C" NOT NULL,
  address TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE body (
  message_id BIGINT NOT NULL,
  codec SMALLINT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (message_id)
);

CREATE TABLE chain (
  node BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  number BIGINT NOT NULL,
  since BIGINT NOT NULL,
  first_event BIGINT NOT NULL,
  last_event BIGINT NOT NULL,
  events BIGINT NOT NULL,
  dropped BIGINT NOT NULL,
  kept BYTEA,
  memory BYTEA NOT NULL,
  content BYTEA NOT NULL,
  digest BYTEA NOT NULL,
  PRIMARY KEY (node, epoch, number)
);

CREATE INDEX chain_event ON chain (last_event);

CREATE TABLE counter (
  period BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  message_type TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  process TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  items BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (period, channel, message_type, sender, receiver, endpoint, kind, process)
);

CREATE TABLE day_counter (
  period BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  message_type TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  process TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  items BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  hours TEXT COLLATE "C",
  PRIMARY KEY (period, channel, message_type, sender, receiver, endpoint, kind, process)
);

CREATE TABLE day_curve (
  day BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  codec SMALLINT NOT NULL,
  content BYTEA NOT NULL,
  PRIMARY KEY (day, channel, endpoint)
);

CREATE TABLE delivery (
  id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  mode TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  attempts BIGINT NOT NULL,
  items BIGINT NOT NULL,
  next_at BIGINT NOT NULL,
  ended_at BIGINT NOT NULL,
  lane BIGINT NOT NULL,
  ordered BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  lease BIGINT DEFAULT '0' NOT NULL,
  PRIMARY KEY (id)
);

CREATE INDEX delivery_asked ON delivery (next_at)
  WHERE state = 'waiting' AND mode = 'ask';

CREATE INDEX delivery_dead ON delivery (id)
  WHERE state = 'dead';

CREATE INDEX delivery_dead_ordered ON delivery (receiver, lane)
  WHERE state = 'dead' AND ordered = 1;

CREATE INDEX delivery_due ON delivery (next_at, lane)
  WHERE state = 'waiting' AND mode = 'push' AND ordered = 0;

CREATE INDEX delivery_mailbox ON delivery (receiver, position)
  WHERE mode = 'mailbox' AND (state = 'waiting' OR (state = 'dead' AND ordered = 1));

CREATE INDEX delivery_mailbox_age ON delivery (message_id)
  WHERE state = 'waiting' AND mode = 'mailbox';

CREATE INDEX delivery_message ON delivery (message_id);

CREATE INDEX delivery_ordered ON delivery (receiver, position)
  WHERE state = 'waiting' AND mode = 'push' AND ordered = 1;

CREATE TABLE event (
  id BIGINT NOT NULL,
  message_id BIGINT NOT NULL,
  delivery_id BIGINT NOT NULL,
  at BIGINT NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  digest BYTEA,
  PRIMARY KEY (id)
);

CREATE INDEX event_message ON event (message_id);

CREATE TABLE folded (
  id BIGINT NOT NULL,
  before BIGINT NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE held (
  since BIGINT NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (since)
);

CREATE TABLE memory (
  channel TEXT COLLATE "C" NOT NULL,
  key TEXT COLLATE "C" NOT NULL,
  value TEXT COLLATE "C" NOT NULL,
  version BIGINT NOT NULL,
  digest BYTEA DEFAULT '' NOT NULL,
  replaced BYTEA DEFAULT '' NOT NULL,
  message_id BIGINT DEFAULT '0' NOT NULL,
  PRIMARY KEY (channel, key)
);

CREATE INDEX memory_message ON memory (message_id)
  WHERE message_id > 0;

CREATE TABLE message (
  id BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  message_type TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  sender_message_id TEXT COLLATE "C" NOT NULL,
  digest BYTEA NOT NULL,
  received_at BIGINT NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  conversation TEXT COLLATE "C" NOT NULL,
  items BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  content_type TEXT COLLATE "C" NOT NULL,
  detail TEXT COLLATE "C" NOT NULL,
  process TEXT COLLATE "C" DEFAULT '' NOT NULL,
  position BIGINT DEFAULT '0' NOT NULL,
  identity BYTEA DEFAULT '' NOT NULL,
  PRIMARY KEY (id)
);

CREATE UNIQUE INDEX message_once ON message (channel, sender, sender_message_id)
  WHERE state = 'accepted';

CREATE UNIQUE INDEX message_position ON message (position);

CREATE TABLE operator (
  name TEXT COLLATE "C" NOT NULL,
  role TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (name)
);

CREATE TABLE operator_key (
  digest BYTEA NOT NULL,
  operator TEXT COLLATE "C" NOT NULL,
  made_at BIGINT NOT NULL,
  rowid BIGINT GENERATED ALWAYS AS IDENTITY,
  PRIMARY KEY (digest)
);

CREATE TABLE operator_session (
  digest BYTEA NOT NULL,
  operator TEXT COLLATE "C" NOT NULL,
  key_digest BYTEA NOT NULL,
  until BIGINT NOT NULL,
  PRIMARY KEY (digest)
);

CREATE TABLE owner (
  node BIGINT NOT NULL,
  epoch BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  PRIMARY KEY (node)
);

CREATE TABLE partner_history (
  partner TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  name TEXT COLLATE "C" NOT NULL,
  sector TEXT COLLATE "C" NOT NULL,
  country TEXT COLLATE "C" NOT NULL,
  PRIMARY KEY (partner, since)
);

CREATE TABLE position (
  id BIGINT NOT NULL,
  last BIGINT NOT NULL,
  PRIMARY KEY (id)
);

CREATE TABLE pruned_counter (
  period BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  message_type TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  process TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  items BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (period, channel, message_type, sender, receiver, endpoint, kind, process)
);

CREATE TABLE pruned_day_counter (
  period BIGINT NOT NULL,
  channel TEXT COLLATE "C" NOT NULL,
  message_type TEXT COLLATE "C" NOT NULL,
  sender TEXT COLLATE "C" NOT NULL,
  receiver TEXT COLLATE "C" NOT NULL,
  endpoint TEXT COLLATE "C" NOT NULL,
  kind TEXT COLLATE "C" NOT NULL,
  process TEXT COLLATE "C" NOT NULL,
  count BIGINT NOT NULL,
  items BIGINT NOT NULL,
  bytes BIGINT NOT NULL,
  PRIMARY KEY (period, channel, message_type, sender, receiver, endpoint, kind, process)
);

CREATE TABLE receiver_state (
  receiver TEXT COLLATE "C" NOT NULL,
  state TEXT COLLATE "C" NOT NULL,
  since BIGINT NOT NULL,
  reason TEXT COLLATE "C" NOT NULL,
  failures BIGINT NOT NULL,
  next_probe_at BIGINT NOT NULL,
  probes BIGINT NOT NULL,
  outages BIGINT NOT NULL,
  PRIMARY KEY (receiver)
);

CREATE FUNCTION instr(text, text) RETURNS bigint LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN strpos($1, $2);

CREATE FUNCTION day_of_minute(bigint) RETURNS bigint LANGUAGE sql STABLE STRICT PARALLEL SAFE
  RETURN (to_timestamp($1 * 60) AT TIME ZONE 'Europe/Helsinki')::date - DATE '1970-01-01';

CREATE FUNCTION json_extract(text, text) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  RETURN ($1::json) ->> substr($2, 3);

CREATE FUNCTION json_each(text) RETURNS TABLE(key text, value jsonb)
  LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
  BEGIN ATOMIC SELECT each.key, each.value FROM jsonb_each($1::jsonb) AS each; END;

CREATE FUNCTION group_concat_step(text, text, text) RETURNS text LANGUAGE sql IMMUTABLE
  RETURN CASE WHEN $1 IS NULL THEN $2 WHEN $2 IS NULL THEN $1 ELSE $1 || $3 || $2 END;

CREATE AGGREGATE group_concat(text, text) (SFUNC = group_concat_step, STYPE = text)
