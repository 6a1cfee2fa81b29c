-- Messages to members, by their own channel. A message is written in the transaction of what it is about, and sent later.

create table message (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    member_id    bigint      not null,
    kind         text        not null check (length(kind) between 1 and 60),
    subject      text        not null check (length(subject) between 1 and 140),
    body         text        not null check (length(body) <= 4000),
    path         text        not null default '' check (length(path) <= 200),
    is_urgent    boolean     not null default false,
    state        text        not null default 'waiting' check (state in ('waiting', 'sent', 'printed', 'failed', 'dropped')),
    dedupe       text        not null check (length(dedupe) between 1 and 200),
    created_at   timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, dedupe),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
create index message_by_member on message (timebank_id, member_id, id desc);
create index message_waiting on message (timebank_id, id) where state = 'waiting';

call protect_tenant_table('message', 'select, insert, update');
