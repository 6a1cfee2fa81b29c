-- Quiet hours: when a member gets no e-mail, text or call. Whole hours on the clocks of the time bank; past midnight is fine.

alter table member
    add column quiet_from integer check (quiet_from between 0 and 23),
    add column quiet_until integer check (quiet_until between 0 and 23),
    add constraint member_quiet_check check (
        (quiet_from is null and quiet_until is null) or (quiet_from is not null and quiet_until is not null
                                                         and quiet_from <> quiet_until));

-- True in those hours. ``hour`` is the present one on the clocks of the time bank.
create function is_quiet(quiet_from integer, quiet_until integer, hour integer) returns boolean
language sql immutable
return coalesce(
    case when quiet_from < quiet_until then hour >= quiet_from and hour < quiet_until
         else hour >= quiet_from or hour < quiet_until end, false);
revoke all on function is_quiet(integer, integer, integer) from public;
grant execute on function is_quiet(integer, integer, integer) to timebank_app;
