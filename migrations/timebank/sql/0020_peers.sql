-- Members help each other: what they can offer and would like, asks and what became of them, thanks, blocks, reports.
-- Nothing here says where somebody lives. What they share to be reached is for one meeting and goes with it.

-- Who does not want to meet whom: neither sees nor asks the other.
create table member_block (
    timebank_id bigint      not null references timebank,
    member_id   bigint      not null,
    blocked_id  bigint      not null,
    blocked_at  timestamptz not null,
    primary key (timebank_id, member_id, blocked_id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, blocked_id) references member (timebank_id, id),
    check (member_id <> blocked_id)
);
create index member_block_by_blocked on member_block (timebank_id, blocked_id);
call protect_tenant_table('member_block', 'select, insert, delete');

-- What a member offers, beside its offer. That offer is closed in the catalogue: it is booked when both have agreed.
create table peer_skill (
    timebank_id bigint      not null references timebank,
    offer_id    bigint      not null,
    category    text        not null check (length(category) between 1 and 30),
    times       text[]      not null default '{}' check (times <@ array['weekday', 'evening', 'weekend']),
    hows        text[]      not null default '{}' check (hows <@ array['in_person', 'phone', 'online']),
    is_shown    boolean     not null default true,
    check_kind  text        not null default '' check (length(check_kind) <= 30), -- which check its helper needs
    changed_at  timestamptz not null,
    primary key (timebank_id, offer_id),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id)
);
call protect_tenant_table('peer_skill', 'select, insert, update');

create table peer_wish (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null,
    category    text        not null check (length(category) between 1 and 30),
    title       text        not null check (length(title) between 1 and 100),
    details     text        not null default '' check (length(details) <= 500),
    minutes     integer     not null check (minutes between 1 and 1440),
    times       text[]      not null default '{}' check (times <@ array['weekday', 'evening', 'weekend']),
    hows        text[]      not null default '{}' check (hows <@ array['in_person', 'phone', 'online']),
    is_shown    boolean     not null default true,
    created_at  timestamptz not null,
    changed_at  timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id)
);
create index peer_wish_by_member on peer_wish (timebank_id, member_id);
call protect_tenant_table('peer_wish', 'select, insert, update');

-- Which check helpers need for a category, where the time bank asks for one.
create table peer_category_check (
    timebank_id bigint      not null references timebank,
    category    text        not null check (length(category) between 1 and 30),
    check_kind  text        not null check (length(check_kind) between 1 and 30),
    set_by      bigint,
    set_at      timestamptz not null,
    primary key (timebank_id, category),
    foreign key (timebank_id, set_by) references member (timebank_id, id)
);
call protect_tenant_table('peer_category_check', 'select, insert, update, delete');

-- One member asks another. While it is agreed its booking says whether the hours are still set aside.
create table peer_ask (
    timebank_id      bigint      not null references timebank,
    id               bigint      generated always as identity,
    reference        text        not null check (length(reference) <= 20),
    offer_id         bigint,                       -- the offer asked for, or the one made for a wish when it is agreed
    wish_id          bigint,
    receiver_id      bigint      not null,         -- who gets the help and gives the hours
    helper_id        bigint      not null,
    started_by       bigint      not null,         -- the receiver, or the helper who answers a wish
    asked_by         bigint,                       -- who pressed the button: one of them, or who acts for them
    category         text        not null check (length(category) between 1 and 30),
    title            text        not null check (length(title) between 1 and 100),
    note             text        not null default '' check (length(note) <= 500),
    state            text        not null check (state in
        ('asked', 'agreed', 'settling', 'done', 'free', 'declined', 'cancelled', 'ended', 'lapsed')),
    waits_for        bigint,                       -- who answers next
    minutes          integer     not null check (minutes between 1 and 1440),
    starts_at        timestamptz,                  -- null: "let us agree"
    how              text        not null check (how in ('in_person', 'phone', 'online')),
    place            text        not null default '' check (length(place) <= 200),
    answer_by        date        not null,
    redemption_id    bigint,
    receiver_said    integer     check (receiver_said between 0 and 1440),  -- 0: it did not happen
    helper_said      integer     check (helper_said between 0 and 1440),
    done_minutes     integer     check (done_minutes between 0 and 1440),
    receiver_reach   text        not null default '' check (length(receiver_reach) <= 200),
    helper_reach     text        not null default '' check (length(helper_reach) <= 200),
    created_at       timestamptz not null,
    changed_at       timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, reference),
    foreign key (timebank_id, offer_id) references offer (timebank_id, id),
    foreign key (timebank_id, wish_id) references peer_wish (timebank_id, id),
    foreign key (timebank_id, receiver_id) references member (timebank_id, id),
    foreign key (timebank_id, helper_id) references member (timebank_id, id),
    foreign key (timebank_id, started_by) references member (timebank_id, id),
    foreign key (timebank_id, asked_by) references member (timebank_id, id),
    foreign key (timebank_id, waits_for) references member (timebank_id, id),
    foreign key (timebank_id, redemption_id) references redemption (timebank_id, id),
    check (receiver_id <> helper_id),
    check (offer_id is not null or wish_id is not null),
    check ((state = 'asked') = (waits_for is not null)),
    check (state not in ('agreed', 'settling', 'done') or redemption_id is not null),
    check (state <> 'done' or done_minutes > 0)
);
create index peer_ask_by_receiver on peer_ask (timebank_id, receiver_id, id desc);
create index peer_ask_by_helper on peer_ask (timebank_id, helper_id, id desc);
create index peer_ask_open on peer_ask (timebank_id, id) where state in ('asked', 'agreed', 'settling');
call protect_tenant_table('peer_ask', 'select, insert, update');

create table peer_ask_event (
    timebank_id bigint      not null references timebank,
    ask_id      bigint      not null,
    n           integer     not null check (n > 0),
    what        text        not null check (length(what) between 1 and 30),
    minutes     integer,
    starts_at   timestamptz,
    words       text        not null default '' check (length(words) <= 500),
    actor_id    bigint,                            -- null: the service itself
    at          timestamptz not null,
    primary key (timebank_id, ask_id, n),
    foreign key (timebank_id, ask_id) references peer_ask (timebank_id, id),
    foreign key (timebank_id, actor_id) references member (timebank_id, id)
);
call protect_tenant_table('peer_ask_event', 'select, insert, update');

create table peer_thanks (
    timebank_id    bigint      not null references timebank,
    ask_id         bigint      not null,
    from_member_id bigint      not null,
    to_member_id   bigint      not null,
    words          text        not null check (length(words) <= 500),
    at             timestamptz not null,
    is_taken_off   boolean     not null default false,
    primary key (timebank_id, ask_id, from_member_id),
    foreign key (timebank_id, ask_id) references peer_ask (timebank_id, id),
    foreign key (timebank_id, from_member_id) references member (timebank_id, id),
    foreign key (timebank_id, to_member_id) references member (timebank_id, id)
);
call protect_tenant_table('peer_thanks', 'select, insert, update');

-- What somebody reports about a member. The lead and deputies read it, and never whom it is about.
create table peer_report (
    timebank_id     bigint      not null references timebank,
    id              bigint      generated always as identity,
    from_member_id  bigint      not null,
    about_member_id bigint      not null,
    ask_id          bigint,
    words           text        not null check (length(words) between 1 and 2000),
    told_at         timestamptz not null,
    due_on          date        not null,
    seen_by         bigint,
    seen_at         timestamptz,
    answer          text        not null default '' check (length(answer) <= 2000),
    primary key (timebank_id, id),
    foreign key (timebank_id, from_member_id) references member (timebank_id, id),
    foreign key (timebank_id, about_member_id) references member (timebank_id, id),
    foreign key (timebank_id, ask_id) references peer_ask (timebank_id, id),
    foreign key (timebank_id, seen_by) references member (timebank_id, id)
);
call protect_tenant_table('peer_report', 'select, insert, update');
