-- Waiting lists, who came, more time for a booking, and hours given back in part.

alter table offer
    -- What happens to the hours of somebody who does not come; shown before booking.
    add column no_show text not null default 'free' check (no_show in ('used', 'free')),
    add column called_off_at timestamptz,
    add column called_off_reason text not null default '' check (length(called_off_reason) <= 500);

alter table redemption
    add column no_show text not null default 'free' check (no_show in ('used', 'free')), -- as it was shown
    add column came boolean, -- what the provider said; null: not yet, or nobody asks
    add column refunded_minutes integer check (refunded_minutes between 1 and minutes),
    -- The reminder before the hours run out (or before the day), and until when it said that there was time.
    add column reminded_at timestamptz,
    add column reminded_until timestamptz,
    drop constraint redemption_state_check,
    add constraint redemption_state_check check (state in
        ('requested', 'accepted', 'fulfilled', 'cancelled', 'declined', 'timed_out', 'refunded', 'missed')),
    add check (came is null or state in ('fulfilled', 'refunded', 'missed')),
    add check ((reminded_at is null) = (reminded_until is null));
update redemption set refunded_minutes = minutes where state = 'refunded';
alter table redemption add check ((refunded_minutes is not null) = (state = 'refunded'));

-- A supplier who says that somebody came has no member behind it.
alter table redemption_event
    add column payee_id bigint,
    add foreign key (timebank_id, payee_id) references payee (timebank_id, id),
    add check (actor_id is null or payee_id is null);

-- Who waits for a place, in the order of their ids. 'offered': the place is kept for them until they answer.
create table waiting (
    timebank_id   bigint      not null references timebank,
    id            bigint      generated always as identity,
    offer_id      bigint      not null,
    member_id     bigint      not null,
    state         text        not null check (state in
        ('waiting', 'offered', 'taken', 'declined', 'passed', 'left', 'ended')),
    joined_at     timestamptz not null,
    added_by      bigint      not null,
    how_agreed    text        not null default '' check (length(how_agreed) <= 500),
    offered_at    timestamptz,
    answer_until  timestamptz,
    changed_at    timestamptz not null,
    redemption_id bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id),
    foreign key (timebank_id, redemption_id) references redemption (timebank_id, id),
    check ((offered_at is null) = (answer_until is null)),
    check (state <> 'offered' or offered_at is not null),
    check ((state = 'taken') = (redemption_id is not null))
);
create unique index waiting_once on waiting (timebank_id, offer_id, member_id) where state in ('waiting', 'offered');
create index waiting_in_order on waiting (timebank_id, offer_id, id) where state in ('waiting', 'offered');
create index waiting_by_member on waiting (timebank_id, member_id, id);
call protect_tenant_table('waiting', 'select, insert, update');
