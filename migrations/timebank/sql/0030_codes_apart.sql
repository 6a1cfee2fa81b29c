-- Two phone numbers can end in the same nine digits. Each of them gets a code of its own, and a code signs in only those
-- who are reached at the number that it went to.
alter table sign_in_ask_member
    add column code_sha256 bytea check (octet_length(code_sha256) = 32); -- null: the code of the ask
