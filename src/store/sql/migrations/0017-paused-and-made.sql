-- Since when a schedule begins nothing, and who said so.
alter table schedule add column paused jsonb;

-- The token that made it, which it does not outlive. Asked at the end of a transaction, for a restored table comes in any order.
alter table token add column made_by text references token (id) on delete cascade deferrable initially deferred;
create index token_made_by on token (made_by) where made_by is not null;
