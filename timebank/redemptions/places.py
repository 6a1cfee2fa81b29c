"""How many places of an offer are gone, in one place: the conditions that statements about an offer ``o`` share."""

TAKEN = """
((select count(*) from redemption r
   where r.timebank_id = o.timebank_id and r.offer_id = o.id and r.state in ('requested', 'accepted', 'fulfilled'))
 + (select count(*) from redemption r
     where r.timebank_id = o.timebank_id and r.offer_id = o.id and r.state = 'refunded'
       and r.refunded_minutes < r.minutes))
"""
"""Booked or used; who got only a part of their hours back was there. Two counts, each from an index alone."""

KEPT = f"""
({TAKEN} + (select count(*) from waiting w
             where w.timebank_id = o.timebank_id and w.offer_id = o.id and w.state = 'offered'))
"""  # noqa: S608 - our own text
"""Taken, or kept for somebody on the waiting list who is asked now."""

GONE = f"""
({TAKEN} + (select count(*) from waiting w
             where w.timebank_id = o.timebank_id and w.offer_id = o.id and w.state in ('waiting', 'offered')))
"""  # noqa: S608 - our own text
"""What nobody else can have: taken, or for those who wait."""
