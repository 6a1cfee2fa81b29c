-- The catalogue: who may use an offer, when it is shown, what it has for people who need it, its picture, what may be
-- spent on it in a month, and what members saved for later.

alter table offer
    -- Named features of the place or of how it is done; the words are in offer_rules.ACCESS.
    add column access text[] not null default '{}' check (access <@ array[
        'step_free', 'accessible_toilet', 'changing_places', 'hearing_loop', 'quiet_space', 'bsl', 'easy_read',
        'online', 'by_phone', 'transport_help', 'helper_free', 'parking']),
    -- True: only members of the groups in offer_group. Should a group go, its offer is not open to everybody.
    add column is_for_groups boolean not null default false,
    add column shown_from  date,
    add column shown_until date,
    -- What may be committed for this offer in one calendar month, in the currency of the time bank.
    add column monthly_pence bigint check (monthly_pence between 1 and 1000000000),
    -- What a search looks through: title, summary, description and place in their plainest form.
    add column search_key text not null default '' check (length(search_key) <= 8000),
    -- Counts the changes, so that nobody overwrites or agrees to what they have not seen.
    add column revision   integer not null default 1 check (revision > 0),
    add column changed_by bigint,
    add column changed_at timestamptz,
    add foreign key (timebank_id, changed_by) references member (timebank_id, id),
    add check (shown_from <= shown_until),
    add check (monthly_pence is null or value_pence <= monthly_pence);
update offer set search_key = lower(left(title || ' ' || summary || ' ' || description || ' ' || place, 8000));

-- What the supplier would get for it, as it was when it was booked: what a month has committed does not change with the
-- offer's value.
alter table redemption add column committed_pence bigint check (committed_pence > 0);
update redemption r set committed_pence = o.value_pence
  from offer o where o.timebank_id = r.timebank_id and o.id = r.offer_id and o.value_pence is not null;

-- Places taken and money committed are counted for every offer of a catalogue page, from the index alone.
create index redemption_counted on redemption (timebank_id, offer_id, requested_at) include (committed_pence)
    where state in ('requested', 'accepted', 'fulfilled');
create index redemption_refunded on redemption (timebank_id, offer_id) where state = 'refunded';

create table offer_group (
    timebank_id bigint not null references timebank,
    offer_id    bigint not null,
    group_id    bigint not null,
    primary key (timebank_id, offer_id, group_id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, group_id) references member (timebank_id, id)
);
create index offer_group_by_group on offer_group (timebank_id, group_id);
call protect_tenant_table('offer_group', 'select, insert, delete');

-- One picture for each offer, made anew in three sizes: for the list, for the offer's page, and to look at closely.
create table offer_photo (
    timebank_id bigint      not null references timebank,
    offer_id    bigint      not null,
    words       text        not null check (length(words) between 1 and 200),
    width       integer     not null check (width > 0),
    height      integer     not null check (height > 0),
    small       bytea       not null check (length(small) <= 4000),
    medium      bytea       not null check (length(medium) <= 20000),
    content     bytea       not null check (length(content) <= 1500000),
    mark        text        not null check (length(mark) = 12), -- tells one picture from the one before
    added_by    bigint,
    added_at    timestamptz not null,
    primary key (timebank_id, offer_id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
call protect_tenant_table('offer_photo', 'select, insert, delete');

-- What a member wants to find again. Nobody else sees it.
create table saved_offer (
    timebank_id bigint      not null references timebank,
    member_id   bigint      not null,
    offer_id    bigint      not null,
    saved_at    timestamptz not null,
    primary key (timebank_id, member_id, offer_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id)
);
call protect_tenant_table('saved_offer', 'select, insert, delete');
