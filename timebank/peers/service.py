"""The use cases of this room, by subject: offers and wishes, asks, confirming, what is between two members, reports."""

from timebank.peers.agreeing import Close, SayYes, Share, Suggest, close, say_yes, share, suggest
from timebank.peers.asks import Asked, AskFor, ask
from timebank.peers.between import Done, Person, Thank, keep_apart, let_meet, thank
from timebank.peers.confirming import Said, Say, Settle, happened, look_after, settle
from timebank.peers.reporting import Answer, TellLead, answer_report, remind, report
from timebank.peers.rules import Offered
from timebank.peers.sharing import Keep, Kept, NeedCheck, keep_offer, keep_wish, need_check

__all__ = (
    "Answer", "AskFor", "Asked", "Close", "Done", "Keep", "Kept", "NeedCheck", "Offered", "Person", "Said", "Say",
    "SayYes", "Settle", "Share", "Suggest", "TellLead", "Thank", "answer_report", "ask", "close", "happened",
    "keep_apart", "keep_offer", "keep_wish", "let_meet", "look_after", "need_check", "remind", "report", "say_yes",
    "settle", "share", "suggest", "thank",
)  # fmt: skip
