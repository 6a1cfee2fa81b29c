-- What is known of people: how they read, what they need, what they agreed to, who acts for them, which groups they are in.

alter table member
    add column format_preference text not null default 'screen'
        check (format_preference in ('screen', 'large_print', 'easy_read', 'letter')),
    add column access_needs text not null default '' check (length(access_needs) <= 1000),
    add column emergency_name text not null default '' check (length(emergency_name) <= 100),
    add column emergency_phone text not null default '' check (length(emergency_phone) <= 40),
    -- Whom to speak to about a group or an organisation.
    add column contact_member_id bigint,
    add foreign key (timebank_id, contact_member_id) references member (timebank_id, id),
    add check (contact_member_id is null or kind <> 'person'),
    -- Counts the changes of the details, so that two people who change them at once notice each other.
    add column revision integer not null default 1 check (revision > 0),
    add column changed_by bigint,
    add column changed_at timestamptz,
    add foreign key (timebank_id, changed_by) references member (timebank_id, id);

-- What a search looks through, in one text of four lines: the name as it is compared; the same without accents and signs;
-- the e-mail address; the digits of the phone number. Made by the database, so that whoever changes a member keeps it
-- right. The letters named are those that Unicode does not take apart into a plain letter and an accent.
alter table member add column search_text text generated always as (
    name_key || E'\n'
    || regexp_replace(
           regexp_replace(
               normalize(replace(replace(translate(name_key, 'øłđħı''', 'oldhi'), 'æ', 'ae'), 'œ', 'oe'), nfkd),
               '[\u0300-\u036f]', '', 'g'),
           '[-.,()/ ]+', ' ', 'g') || E'\n'
    || lower(email) || E'\n'
    || regexp_replace(phone, '[^0-9]', '', 'g')
) stored;

-- A search reads this index alone, in the order of names: 50,000 members in a tenth of the pages of the table.
drop index member_by_name;
create index member_search on member (timebank_id, name_key, id)
    include (status, kind, number, contact_route, search_text);
create index member_with_needs on member (timebank_id, name_key, id) where access_needs <> '';

-- What members can agree to, besides photos and the newsletter: sharing with a partner by name, and whatever else the
-- time bank asks.
create table consent_topic (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    kind        text        not null check (kind in ('partner', 'own')),
    title       text        not null check (length(title) between 1 and 100),
    explanation text        not null default '' check (length(explanation) <= 500),
    is_asked    boolean     not null default true,
    added_by    bigint,
    added_at    timestamptz not null,
    primary key (timebank_id, id),
    unique (timebank_id, kind, title),
    foreign key (timebank_id, added_by) references member (timebank_id, id)
);
call protect_tenant_table('consent_topic', 'select, insert, update');

-- Every answer is kept: the latest by its day is the one in force. The title is what was read when it was given.
create table consent (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    member_id   bigint      not null,
    topic       text        not null check (topic in ('photos', 'newsletter') or topic ~ '^topic/[1-9][0-9]*$'),
    title       text        not null check (length(title) between 1 and 100),
    is_given    boolean     not null,
    decided_on  date        not null,
    how         text        not null check (how in ('in_person', 'phone', 'letter', 'online')),
    recorded_by bigint,
    recorded_at timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id)
);
create index consent_by_member on consent (timebank_id, member_id, topic, decided_on desc, id desc);
call protect_tenant_table('consent', 'select, insert, delete');

-- Who may act for a member, as the member agreed: another member, or somebody from outside by name.
create table supporter (
    timebank_id         bigint      not null references timebank,
    id                  bigint      generated always as identity,
    member_id           bigint      not null,
    supporter_member_id bigint,
    outside_name        text        not null default '' check (length(outside_name) <= 100),
    outside_contact     text        not null default '' check (length(outside_contact) <= 200),
    scope               text[]      not null
        check (cardinality(scope) > 0 and scope <@ array['see_hours', 'book', 'log_time', 'messages']),
    starts_on           date        not null,
    ends_on             date,
    agreed_how          text        not null check (agreed_how in ('in_person', 'phone', 'letter', 'online')),
    agreed_on           date        not null,
    recorded_by         bigint,
    recorded_at         timestamptz not null,
    ended_at            timestamptz,
    ended_by            bigint,
    primary key (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, supporter_member_id) references member (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id),
    foreign key (timebank_id, ended_by) references member (timebank_id, id),
    check (supporter_member_id <> member_id),
    check ((supporter_member_id is null) = (outside_name <> '')),
    check (ends_on >= starts_on)
);
create index supporter_by_member on supporter (timebank_id, member_id);
create index supporter_by_supporter on supporter (timebank_id, supporter_member_id) where ended_at is null;
-- One agreement at a time between the same two people.
create unique index supporter_once on supporter (timebank_id, member_id, supporter_member_id) where ended_at is null;
call protect_tenant_table('supporter', 'select, insert, update, delete');

-- Who belongs to a group or an organisation that is a member, from when until when.
create table group_membership (
    timebank_id bigint      not null references timebank,
    id          bigint      generated always as identity,
    group_id    bigint      not null,
    member_id   bigint      not null,
    from_on     date        not null,
    until_on    date,
    recorded_by bigint,
    recorded_at timestamptz not null,
    primary key (timebank_id, id),
    foreign key (timebank_id, group_id) references member (timebank_id, id),
    foreign key (timebank_id, member_id) references member (timebank_id, id),
    foreign key (timebank_id, recorded_by) references member (timebank_id, id),
    check (group_id <> member_id),
    check (until_on >= from_on)
);
create unique index group_membership_once on group_membership (timebank_id, group_id, member_id) where until_on is null;
create index group_membership_by_member on group_membership (timebank_id, member_id);
call protect_tenant_table('group_membership', 'select, insert, update, delete');

-- Files of members, kept as they came until they are confirmed: then only what became of them is kept, because a file
-- of people is not kept longer than it is needed. left_out holds the lines that were not added, to be put right.
create table member_upload (
    timebank_id  bigint      not null references timebank,
    id           bigint      generated always as identity,
    file_name    text        not null check (length(file_name) <= 200),
    sha256       bytea       not null check (length(sha256) = 32),
    content      bytea       not null,
    uploaded_by  bigint      not null,
    uploaded_at  timestamptz not null,
    confirmed_by bigint,
    confirmed_at timestamptz,
    added        integer     not null default 0 check (added >= 0),
    there_before integer     not null default 0 check (there_before >= 0),
    headings     text[]      not null default '{}',
    left_out     jsonb       not null default '[]',
    primary key (timebank_id, id),
    unique (timebank_id, sha256),
    foreign key (timebank_id, uploaded_by) references member (timebank_id, id),
    foreign key (timebank_id, confirmed_by) references member (timebank_id, id)
);
call protect_tenant_table('member_upload', 'select, insert, update, delete');

alter table member
    add column upload_id bigint,
    add foreign key (timebank_id, upload_id) references member_upload (timebank_id, id);

-- A message about changed contact details goes to where the member was reached before, too.
alter table message
    add column only_route text not null default '' check (only_route in ('', 'email', 'sms', 'phone', 'letter')),
    add column only_address text not null default '' check (length(only_address) <= 500),
    add check ((only_route = '') = (only_address = ''));
