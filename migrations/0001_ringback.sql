-- Up Migration

-- Ids are UUIDv7, made by the program, so `order by id` is order of creation.
-- The big tables (jobs, job_ends, messages, deliveries, attempts, search_keys) have no foreign keys: they are written
-- together in one transaction and not deleted singly. They are partitioned by week on their
-- UUIDv7 key (src/db/maintenance/partitions.ts makes the weeks). Rows that outlive their week are
-- in one partition of all kept rows; rows without a week are in the default partitions.

create table settings (
  name text primary key,
  value text not null
);

create table accounts (
  id uuid primary key,
  name text not null,
  -- suspended: nothing new is accepted; deleting: its rows are being deleted, in steps; deleted: they
  -- are gone, and this row stays as the record of it
  state text not null default 'active'
    check (state in ('active', 'suspended', 'deleting', 'deleted')),
  state_reason text,
  state_changed_at timestamptz not null default now(),
  deleted_rows bigint not null default 0,
  -- the account of the operator who had it deleted
  deleted_for uuid,
  created_at timestamptz not null default now()
);
-- the name is free again when all is deleted
create unique index accounts_name on accounts (name) where state <> 'deleted';
create index accounts_state on accounts (state, id desc) where state <> 'active';

create table api_keys (
  id uuid primary key,
  account_id uuid not null references accounts,
  name text not null,
  hash bytea not null unique,
  scopes text[] not null
    check (scopes <@ array['jobs:read', 'jobs', 'webhooks:read', 'webhooks', 'admin:read', 'admin',
      'operator'] and scopes <> '{}'),
  -- the only endpoints that it sees
  endpoint_ids uuid[] check (
    endpoint_ids is null or (endpoint_ids <> '{}' and scopes <@ array['webhooks:read', 'webhooks'])),
  created_at timestamptz not null default now(),
  -- precise to the minute
  last_used_at timestamptz,
  revoked_at timestamptz
);
create index api_keys_account on api_keys (account_id, id desc);

-- Sessions of people who signed in to the console with a key. A cookie counts while its row is here.
create table console_sessions (
  id uuid primary key,
  account_id uuid not null references accounts,
  key_id uuid not null references api_keys on delete cascade,
  expires_at timestamptz not null
);
create index console_sessions_expiry on console_sessions (expires_at);
create index console_sessions_key on console_sessions (key_id);

-- Links that show a partner its endpoints. One counts while its row and the key that made it are here.
create table portal_sessions (
  id uuid primary key,
  account_id uuid not null references accounts,
  key_id uuid not null references api_keys on delete cascade,
  -- SHA-256 of the token in the link, which is stored nowhere
  hash bytea not null unique,
  endpoint_ids uuid[] not null check (cardinality(endpoint_ids) > 0),
  permissions text[] not null,
  -- those that may be subscribed to
  event_types text[] not null,
  theme jsonb not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null
);
create index portal_sessions_account on portal_sessions (account_id, id desc);
create index portal_sessions_expiry on portal_sessions (expires_at);
create index portal_sessions_key on portal_sessions (key_id);

-- Who changed what. Rows are only added; a row past its retention is deleted by whoever says so.
create table audit_events (
  id uuid primary key,
  account_id uuid not null,
  created_at timestamptz not null default now(),
  actor_type text not null,
  -- an API key, also of a session of the console, or a portal session
  actor_id uuid,
  actor_name text not null,
  action text not null,
  target_type text not null,
  target_id uuid not null,
  target_name text not null,
  -- the fields that changed, without secrets
  before jsonb,
  after jsonb,
  address text,
  request_id text
);
create index audit_events_account on audit_events (account_id, id desc);
create index audit_events_actor on audit_events (account_id, actor_id, id desc);
create index audit_events_action on audit_events (account_id, action, id desc);
create index audit_events_target on audit_events (account_id, target_id, id desc);

create function refuse_audit_change() returns trigger language plpgsql as $$
begin
  if tg_op = 'DELETE' and current_setting('ringback.audit_retention', true) = 'on' then
    return old;
  end if;
  raise exception 'the audit log is only added to';
end $$;
create trigger audit_events_kept before update or delete on audit_events
  for each row execute function refuse_audit_change();
create trigger audit_events_not_emptied before truncate on audit_events
  for each statement execute function refuse_audit_change();

create table idempotency_records (
  account_id uuid not null references accounts,
  key text not null,
  fingerprint text not null,
  status integer not null,
  headers jsonb not null,
  body text not null,
  -- fingerprint and body are sealed, as the request has secrets
  sealed boolean not null default false,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  primary key (account_id, key)
) with (toast_tuple_target = 8160); -- an answer of some kilobytes is kept for a day: not worth compressing
create index idempotency_records_expiry on idempotency_records (expires_at);

-- What never changes of a job, but for sealed texts when a new master key seals them. How far it is
-- tells exactly one other row: of unfinished_jobs, or of job_ends (docs/decisions/0034).
create table jobs (
  id uuid primary key,
  account_id uuid not null,
  type text not null,
  -- JSON texts, as posted
  input text not null,
  metadata text not null,
  -- callbacks, with their own headers and secrets sealed
  callbacks jsonb not null,
  timeout_s integer not null,
  max_runs integer not null,
  request_id text not null,
  trace_id text not null,
  -- the failed job that this one is run in place of
  retry_of uuid,
  created_at timestamptz not null default now(),
  check (timeout_s > 0 and max_runs > 0)
) partition by range (id);
create table jobs_default partition of jobs default;
create index jobs_retry on jobs (retry_of) where retry_of is not null;
create index jobs_account on jobs (account_id, id desc);
create index jobs_account_type on jobs (account_id, type, id desc);

-- The jobs that are pending or run: a small table whose rows come and go, so what they leave behind is
-- vacuumed by number. One constraint, as each statement prepares each anew.
create table unfinished_jobs (
  id uuid primary key,
  account_id uuid not null,
  status text not null,
  -- each claim raises the number of the run, which fences all writes of the claim
  run integer not null default 0,
  failures integer not null default 0,
  crashes integer not null default 0,
  next_run_at timestamptz,
  worker_id uuid,
  run_started_at timestamptz,
  started_at timestamptz,
  cancel_requested_at timestamptz,
  progress_fraction double precision not null default 0,
  progress_message text,
  progress_data text,
  progress_at timestamptz,
  updated_at timestamptz not null default now(),
  check (progress_fraction between 0 and 1 and case status
    when 'pending' then next_run_at is not null and worker_id is null
    when 'running' then next_run_at is null and worker_id is not null and run > 0
    else false end)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 1, autovacuum_analyze_threshold = 5000);
create index unfinished_jobs_account on unfinished_jobs (account_id, status, id desc);
create index unfinished_jobs_pending on unfinished_jobs (account_id, next_run_at)
  where status = 'pending';
create index unfinished_jobs_running on unfinished_jobs (worker_id) where status = 'running';

-- The ends of jobs: written once, by the statement that deletes the row of unfinished_jobs.
create table job_ends (
  id uuid primary key,
  account_id uuid not null,
  status text not null,
  run integer not null,
  failures integer not null,
  crashes integer not null,
  run_started_at timestamptz,
  started_at timestamptz,
  cancel_requested_at timestamptz,
  progress_fraction double precision not null,
  progress_message text,
  progress_data text,
  progress_at timestamptz,
  result text,
  error_code text,
  error_message text,
  finished_at timestamptz not null,
  check (progress_fraction between 0 and 1 and case status
    when 'completed' then run > 0 and result is not null and error_code is null
    when 'failed' then run > 0 and result is null and error_code is not null
    when 'canceled' then result is null and error_code is not null
    else false end)
) partition by range (id);
create table job_ends_default partition of job_ends default;
create index job_ends_account on job_ends (account_id, status, id desc) where status <> 'completed';

-- Jobs as they are.
create view job_states as
select j.id, j.account_id, j.type, coalesce(u.status, e.status) as status, j.input, j.metadata,
  j.callbacks, j.timeout_s, j.max_runs, coalesce(u.run, e.run) as run,
  coalesce(u.failures, e.failures) as failures, coalesce(u.crashes, e.crashes) as crashes,
  u.next_run_at, u.worker_id, coalesce(u.run_started_at, e.run_started_at) as run_started_at,
  coalesce(u.cancel_requested_at, e.cancel_requested_at) as cancel_requested_at,
  coalesce(u.progress_fraction, e.progress_fraction) as progress_fraction,
  coalesce(u.progress_message, e.progress_message) as progress_message,
  coalesce(u.progress_data, e.progress_data) as progress_data,
  coalesce(u.progress_at, e.progress_at) as progress_at, e.result, e.error_code, e.error_message,
  j.request_id, j.trace_id, j.retry_of, j.created_at, coalesce(u.started_at, e.started_at) as started_at,
  e.finished_at, coalesce(u.updated_at, e.finished_at) as updated_at
from jobs j
left join unfinished_jobs u on u.id = j.id
left join job_ends e on e.id = j.id;

create table endpoints (
  id uuid primary key,
  account_id uuid not null references accounts,
  lane_id uuid not null,
  url text not null,
  description text not null,
  events text[] not null,
  -- custom headers as JSON, sealed with the master key
  sealed_headers text,
  ordered boolean not null,
  max_in_flight integer not null check (max_in_flight > 0),
  rate_limit_per_s double precision check (rate_limit_per_s > 0),
  timeout_s integer not null check (timeout_s > 0),
  retry jsonb not null,
  -- answers after which no attempt is made
  final_status integer[] not null default '{}',
  -- the age at which a pending delivery is given up
  give_up_after_s integer not null default 259200 check (give_up_after_s > 0),
  -- the time without a success after which the endpoint is disabled; null: never
  disable_after_s integer default 432000 check (disable_after_s > 0),
  signatures text[] not null default '{v1,v1a}'
    check (signatures in ('{v1}', '{v1a}', '{v1,v1a}', '{v1a,v1}')),
  state text not null default 'active' check (state in ('active', 'paused', 'disabled')),
  disabled_reason text check (disabled_reason in ('gone', 'failing', 'admin')),
  -- the time of the last change of `state`
  state_since timestamptz not null default now(),
  -- operator: it gets operational events, and nothing else
  audience text not null default 'account' check (audience in ('account', 'operator')),
  format text not null default 'standard'
    check (format in ('standard', 'slack', 'teams', 'discord')),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  check ((state = 'disabled') = (disabled_reason is not null)),
  check (format = 'standard' or audience = 'operator')
);
create index endpoints_account on endpoints (account_id, id desc) where deleted_at is null;
create index endpoints_operator on endpoints (account_id)
  where audience = 'operator' and deleted_at is null;
create index endpoints_held on endpoints (account_id, state)
  where state <> 'active' and deleted_at is null;

-- How many messages were not delivered to an endpoint because it was disabled, and since when.
-- Rows are chosen by session, so that producers seldom wait for each other.
create table skipped_messages (
  endpoint_id uuid not null references endpoints,
  slot smallint not null,
  count bigint not null,
  -- creation of the first of the messages
  since timestamptz not null,
  primary key (endpoint_id, slot)
) with (fillfactor = 50);

-- HMAC secrets, sealed with the master key: an endpoint's own, or (endpoint_id null) the account's,
-- from which the secrets of the origins of callback URLs are derived. A secret that was rotated out
-- signs until expires_at.
create table signing_secrets (
  id uuid primary key,
  account_id uuid not null references accounts,
  endpoint_id uuid references endpoints,
  sealed text not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz
);
create index signing_secrets_owner on signing_secrets (account_id, endpoint_id);

-- Ed25519 keys of an account, sealed with the master key. A key signs from not_before until
-- expires_at; null for exactly one key per account, not rotated out. At most two sign at once.
create table signing_keys (
  id uuid primary key,
  account_id uuid not null references accounts,
  -- RFC 7638: the thumbprint of the public key
  kid text not null unique,
  public_key text not null,
  sealed text not null,
  created_at timestamptz not null default now(),
  not_before timestamptz not null,
  expires_at timestamptz check (expires_at >= not_before)
);
create index signing_keys_account on signing_keys (account_id, not_before desc);
create unique index signing_keys_last on signing_keys (account_id) where expires_at is null;

-- The stream of deliveries to one destination. The row is also the lock of the lane's protocol:
-- producers share it (`for key share`) while they add deliveries; the holder of the lease lets the
-- lane rest only when it gets the row `for update` without waiting.
create table lanes (
  id uuid primary key,
  account_id uuid not null references accounts,
  endpoint_id uuid unique references endpoints,
  origin text,
  ordered boolean not null,
  -- The transaction that switched order on, until all deliveries pending then have a position by
  -- age, also those with a position from an earlier time of order, up to `ordering_upto`.
  ordering_xid bigint,
  ordering_upto bigint,
  epoch bigint not null default 0,
  leased_by uuid,
  breaker_failures integer not null default 0,
  breaker_opens integer not null default 0,
  breaker_until timestamptz,
  -- the time when it opened first, without a success since
  breaker_since timestamptz,
  breaker_reason text,
  -- the first of the failures in a row, and the time since which they make the receiver failing
  failed_since timestamptz,
  failing_since timestamptz,
  -- precise to the minute
  last_success_at timestamptz,
  last_failure_at timestamptz,
  last_failure_status integer,
  last_failure_error text,
  next_send_at timestamptz,
  created_at timestamptz not null default now(),
  check ((endpoint_id is null) <> (origin is null)),
  check ((ordering_xid is null) = (ordering_upto is null))
) with (fillfactor = 50);
create index lanes_account on lanes (account_id, id desc);
create index lanes_failing on lanes (account_id, breaker_until) where breaker_until is not null;
create unique index lanes_origin on lanes (account_id, origin, ordered) where endpoint_id is null;
alter table endpoints add foreign key (lane_id) references lanes deferrable initially deferred;

-- The last position given in each ordered lane. Producers of one ordered lane wait for each other
-- here, and nobody else waits for them.
create table lane_positions (
  lane_id uuid primary key references lanes on delete cascade,
  last_position bigint not null
) with (fillfactor = 50);

create table messages (
  id uuid primary key,
  account_id uuid not null,
  job_id uuid,
  type text not null,
  body text not null,
  -- JSON text of an object, as posted; not sent
  metadata text not null default '{}',
  delivery_count integer not null,
  request_id text not null,
  trace_id text not null,
  created_at timestamptz not null default now()
) partition by range (id);
create table messages_default partition of messages default;
create index messages_account on messages (account_id, id desc);
-- lists look for the rarer types; nearly all may be job.completed
create index messages_type on messages (account_id, type, id desc) where type <> 'job.completed';

-- Hashes of the texts by which jobs and messages are found, with their ids (src/core/search-keys.ts).
-- Dropped by weeks: what was kept beyond retention is no longer found so.
create table search_keys (
  hash bigint not null,
  id uuid not null
) partition by range (id);
create table search_keys_default partition of search_keys default;
create index search_keys_hash on search_keys (hash, id);

create table deliveries (
  id uuid primary key,
  account_id uuid not null,
  message_id uuid not null,
  job_id uuid,
  event_type text not null,
  endpoint_id uuid,
  lane_id uuid not null,
  -- The position in an ordered lane, counted under a lock, so in order of commit; negative: by age,
  -- made before the lane was ordered.
  lane_position bigint,
  url text not null,
  -- settings of the callback: headers and secret, both sealed, retry, timeout_s, signatures
  overrides jsonb,
  body_bytes integer not null,
  created_at timestamptz not null default now(),
  status text not null check (status in ('pending', 'delivered', 'dead', 'canceled')),
  attempt_count integer not null default 0,
  -- attempts that do not count against the retry budget: ones before a replay, and manual ones
  free_attempts integer not null default 0 check (free_attempts <= attempt_count + 1),
  next_attempt_at timestamptz,
  -- The time from which its age is counted, once it was attempted or sent again; before, that is
  -- next_attempt_at.
  budget_from timestamptz,
  -- the end of its age, if its callback sets a limit of its own
  give_up_at timestamptz,
  -- whether the next attempt was ordered by hand
  manual boolean not null default false,
  -- the automatic schedule a manual attempt goes back to when it fails
  scheduled_at timestamptz,
  -- the outcome of the last attempt
  last_status_code integer,
  last_error_code text,
  finished_at timestamptz,
  check ((status = 'pending') = (next_attempt_at is not null)),
  check ((status = 'pending') = (finished_at is null)),
  check (scheduled_at is null or (manual and status = 'pending')),
  check (status <> 'delivered' or attempt_count > 0)
) partition by range (id);
create table deliveries_default partition of deliveries default;
create index deliveries_due on deliveries (lane_id, next_attempt_at, id) where status = 'pending';
create index deliveries_ordered on deliveries (lane_id, lane_position, id)
  where status = 'pending' and lane_position is not null;
create index deliveries_retried on deliveries (lane_id, budget_from)
  where status = 'pending' and budget_from is not null;
create index deliveries_give_up on deliveries (lane_id, give_up_at)
  where status = 'pending' and give_up_at is not null;
create index deliveries_message on deliveries (message_id);
create index deliveries_job on deliveries (job_id, id desc) where job_id is not null;
create index deliveries_account on deliveries (account_id, id desc);
create index deliveries_endpoint on deliveries (endpoint_id, id desc) where endpoint_id is not null;
-- lists look for the rarer events; nearly all may be job.completed
create index deliveries_event on deliveries (account_id, event_type, id desc)
  where event_type <> 'job.completed';
create index deliveries_unfinished on deliveries (account_id, status, id desc)
  where status <> 'delivered';
create index deliveries_troubled on deliveries (account_id, id desc)
  where attempt_count > 1 or last_status_code >= 300 or last_error_code is not null;

-- The position of a delivery made before its lane became ordered: before all counted positions, by
-- age: the first 60 bits of a UUIDv7 are its time, its version and some random bits.
create function position_by_age(delivery_id uuid) returns bigint language sql immutable parallel safe
  return ('x0' || left(replace(delivery_id::text, '-', ''), 15))::bit(64)::bigint
    - 1152921504606846976;

create table attempts (
  delivery_id uuid not null,
  number integer not null check (number > 0),
  id uuid not null,
  -- null: the URL of the delivery
  url text,
  remote_address text,
  started_at timestamptz not null,
  duration_ms double precision not null,
  status_code integer,
  error_code text,
  error_message text,
  -- without headers that follow from the message: core/attempt-headers.ts
  request_headers text not null,
  response_headers text,
  response_body text,
  response_truncated boolean not null,
  manual boolean not null,
  primary key (delivery_id, number),
  check (status_code is not null or error_code is not null)
) partition by range (delivery_id);
create table attempts_default partition of attempts default;

create table dead_letters (
  delivery_id uuid primary key,
  account_id uuid not null,
  endpoint_id uuid,
  reason text not null
    check (reason in ('gone', 'target_blocked', 'final_status', 'exhausted', 'expired',
      'endpoint_disabled')),
  detail text not null,
  -- how its last attempt ended: an error code, or http_ with the status; empty: it had none
  cause text not null default '',
  created_at timestamptz not null default now(),
  -- when it was taken out of the inbox, by the owner of an API key; still in the books
  discarded_at timestamptz,
  discarded_by uuid,
  discard_note text,
  check ((discarded_at is null) = (discarded_by is null)),
  check ((discarded_at is null) = (discard_note is null))
);
create index dead_letters_account on dead_letters (account_id, delivery_id desc)
  where discarded_at is null;
create index dead_letters_reason on dead_letters (account_id, reason, delivery_id desc)
  where discarded_at is null;
create index dead_letters_endpoint on dead_letters (account_id, endpoint_id, delivery_id desc)
  where discarded_at is null;
create index dead_letters_cause on dead_letters (account_id, cause, delivery_id desc)
  where discarded_at is null;
-- all zeros: no endpoint
create index dead_letters_causes on dead_letters (account_id,
  coalesce(endpoint_id, '00000000-0000-0000-0000-000000000000'), reason, cause, delivery_id desc)
  where discarded_at is null;
create index dead_letters_discarded on dead_letters (account_id, delivery_id desc)
  where discarded_at is not null;

create table replays (
  id uuid primary key,
  account_id uuid not null references accounts,
  action text not null default 'replay' check (action in ('replay', 'discard', 'cancel', 'send_missed')),
  target text not null default 'deliveries' check (target in ('deliveries', 'jobs')),
  -- the reason to discard dead letters, and the API key of the caller
  note text,
  key_id uuid,
  filter jsonb not null,
  dry_run boolean not null,
  newest_first boolean not null default false,
  -- where copies are sent instead: {"endpoint_id": …} or {"url": …}
  destination jsonb,
  -- at most so many a second, from 1 at first
  pace_per_s double precision check (pace_per_s > 0),
  pace_ramp_s integer check (pace_ramp_s >= 0),
  start_at timestamptz,
  -- the first ones, whose outcomes are awaited
  canary_count integer check (canary_count > 0),
  canary_max_failed_percent integer check (canary_max_failed_percent between 0 and 99),
  canary_passed_at timestamptz,
  status text not null check (status in ('running', 'paused', 'stopped', 'completed', 'canceled')),
  stopped_reason text,
  matched integer not null,
  -- false: at least that many; the count before the replay examined no more
  matched_exact boolean not null default true,
  -- what fits the filter and can't be sent, by reason and endpoint, as counted at first
  left_out jsonb not null default '[]',
  replayed integer not null default 0,
  -- the last delivery examined, or message: the replay walks its matches in order of id, each once
  position uuid,
  -- nothing is done before; kept with the position, so all processes together keep the pace
  next_step_at timestamptz,
  -- the time since which the pace rises
  ramp_since timestamptz,
  created_at timestamptz not null default now(),
  finished_at timestamptz,
  check ((status in ('running', 'paused')) = (finished_at is null)),
  check ((status = 'stopped') = (stopped_reason is not null)),
  check ((action = 'discard') = (note is not null)),
  check (action <> 'discard' or key_id is not null),
  check ((pace_per_s is null) = (pace_ramp_s is null)),
  check ((canary_count is null) = (canary_max_failed_percent is null))
);
create index replays_account on replays (account_id, id desc);
create index replays_running on replays (id) where status = 'running';

-- What a replay has sent again or made: deliveries or jobs. Kept as long as dead letters.
create table replay_items (
  replay_id uuid not null,
  id uuid not null,
  -- the delivery or job it was made from; null: it is that itself
  source_id uuid,
  -- how many attempts it had before
  attempts integer not null,
  primary key (replay_id, id)
);

create table workers (
  id uuid primary key,
  -- key of the session advisory lock of this process while it lives
  lock_key integer not null generated always as identity unique,
  hostname text not null,
  pid integer not null,
  version text not null,
  roles text[] not null,
  -- the number of runs that it computes at once
  threads integer not null default 0,
  pool_ids text[] not null default '{}',
  -- ids of the master keys that this process has
  master_keys text[] not null default '{}',
  heartbeat bigint not null default 0,
  heartbeat_at timestamptz not null default now(),
  started_at timestamptz not null default now()
);
-- each submission asks whether a worker computes
create index workers_compute on workers (id) where 'compute' = any(roles);

-- Activity: a short log of events, kept while there are listeners.
create table activity (
  account_id uuid not null,
  -- Ids of transactions and rows are given in another order than they become visible in. Read up to
  -- the oldest transaction that still runs, the order by both ids is final.
  xid bigint not null default pg_current_xact_id()::text::bigint,
  seq bigint not null generated always as identity,
  at timestamptz not null default clock_timestamp(),
  type text not null,
  job_id uuid,
  message_id uuid,
  delivery_id uuid,
  endpoint_id uuid,
  -- JSON: the rest
  data text not null,
  primary key (account_id, xid, seq)
);
create index activity_at on activity using brin (at);

-- Accounts with a listener, or one that left a while ago and may come back, and accounts with a
-- client that waits for the end of a job.
create table activity_interest (
  account_id uuid primary key references accounts,
  -- the time until which activity is recorded; null: nobody has listened
  listened_until timestamptz,
  -- the time until which ends of jobs are notified; null: nobody has waited for one
  awaited_until timestamptz,
  -- all entries of this transaction and younger ones are in the log; null: not known yet
  complete_from bigint,
  check (num_nonnulls(listened_until, awaited_until) > 0)
);

-- The accounts, among these, that have listeners; the commit notifies them. A volatile function
-- sees rows committed before its call, not only before the statement around it: a producer that
-- calls it after its first write is either seen as unfinished by a listener, or sees the listener.
-- A notification takes a lock of the whole server at commit, so there is none without need.
create function activity_listeners(account_ids uuid[]) returns uuid[] language plpgsql volatile as $$
declare
  listened uuid[];
begin
  select array_agg(account_id) into listened from activity_interest
    where listened_until > now() and account_id = any(account_ids);
  if listened is not null then
    perform pg_notify('ringback_activity', '');
  end if;
  return listened;
end $$;

-- The accounts with listeners of jobs that end, given with their accounts. Clients that wait for a
-- job are notified as well, by ids of jobs, of which a payload has room for 200.
create function job_end_listeners(account_ids uuid[], job_ids uuid[]) returns uuid[]
language plpgsql volatile as $$
declare
  listened uuid[];
  awaited uuid[];
begin
  select array_agg(account_id) filter (where listened_until > now()),
      array_agg(account_id) filter (where awaited_until > now())
    into listened, awaited from activity_interest
    where (listened_until > now() or awaited_until > now()) and account_id = any(account_ids);
  if listened is not null then
    perform pg_notify('ringback_activity', '');
  end if;
  if awaited is not null then
    perform pg_notify('ringback_ended_jobs', string_agg(job_id::text, ' '))
      from unnest(account_ids, job_ids) with ordinality as t(account_id, job_id, ord)
      where account_id = any(awaited) group by (ord - 1) / 200;
  end if;
  return listened;
end $$;

-- What operators are told of. A statement that changes something adds a notice of it; one process at a
-- time folds notices into one row for each subject, and sends a message per window.
create table notices (
  id bigint primary key generated always as identity,
  account_id uuid not null,
  type text not null,
  subject text not null,
  endpoint_id uuid,
  count integer not null default 1,
  detail jsonb not null,
  created_at timestamptz not null default now()
);
create table notice_windows (
  account_id uuid not null,
  type text not null,
  subject text not null,
  endpoint_id uuid,
  -- not told yet
  pending integer not null,
  first_at timestamptz not null,
  last_at timestamptz not null,
  -- of the newest
  detail jsonb not null,
  sent_at timestamptz,
  primary key (account_id, type, subject)
);
create index notice_windows_pending on notice_windows (last_at) where pending > 0;

-- Counters for charts. Each process writes rows of its own (source), so that none waits for
-- another, and writes the sum so far, so that it may write twice.
create table stats (
  account_id uuid not null,
  step_s integer not null check (step_s in (60, 3600)),
  at timestamptz not null,
  -- all zeros: no endpoint
  endpoint_id uuid not null,
  source uuid not null,
  -- counts in the order of src/core/stats.ts
  counts integer[] not null,
  primary key (account_id, step_s, at, endpoint_id, source)
);

create index stats_age on stats (step_s, at);

-- The turn to retain: one row.
create table retention (
  one boolean primary key default true check (one),
  -- a name for each turn, which ends by itself when its process is gone
  holder uuid,
  held_until timestamptz not null default now(),
  next_at timestamptz not null default now(),
  failures integer not null default 0,
  -- the rewrite of partitions that is under way (src/db/maintenance/rewrites.ts)
  rewrite jsonb,
  -- tables that were partitions and are to be dropped
  gone text[] not null default '{}'
);
insert into retention default values;

-- Units that changed in partitions while these are being copied.
create table partition_changes (
  seq bigint primary key generated always as identity,
  unit uuid not null
);

-- Notes the unit of a changed row by its argument: the row (`id`), its delivery or its message.
create function note_partition_change() returns trigger language plpgsql as $$
declare
  changed record;
  unit uuid;
begin
  if tg_op = 'DELETE' then changed := old; else changed := new; end if;
  if tg_argv[0] = 'id' then
    unit := changed.id;
  elsif tg_argv[0] = 'message_id' then
    unit := changed.message_id;
  elsif tg_argv[0] = 'delivery_id' then
    unit := changed.delivery_id;
  else
    select d.message_id into unit from deliveries d where d.id = changed.delivery_id;
  end if;
  insert into partition_changes (unit) select unit where unit is not null;
  return null;
end $$;

-- Promise 3: at every instant, for any set of messages, all created deliveries are accounted for,
-- and every dead delivery has its dead letter. `balanced` must be true in every row.
create view books as
select
  m.id as message_id,
  m.account_id,
  m.delivery_count as created,
  d.pending, d.delivered, d.dead, d.canceled, d.dead_letters,
  m.delivery_count = d.pending + d.delivered + d.dead + d.canceled
    and d.dead = d.dead_letters as balanced
from messages m
cross join lateral (
  select
    count(*) filter (where d.status = 'pending') as pending,
    count(*) filter (where d.status = 'delivered') as delivered,
    count(*) filter (where d.status = 'dead') as dead,
    count(*) filter (where d.status = 'canceled') as canceled,
    count(l.delivery_id) as dead_letters
  from deliveries d
  left join dead_letters l on l.delivery_id = d.id
  where d.message_id = m.id
) d;
