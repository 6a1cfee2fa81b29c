"""Pages that span rooms: a participant's first page, all their entries, and a member's record for coordinators."""
