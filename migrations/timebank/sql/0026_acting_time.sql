-- Time that somebody logged while they acted for a member keeps why, also where it waits for a second person.
alter table contribution
    add column acting_id bigint,
    add foreign key (timebank_id, acting_id) references acting (timebank_id, id);
