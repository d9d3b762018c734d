"""What people ask for, one frozen model a command; the names are the API's, in kebab-case."""

from typing import Annotated, ClassVar

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from domain.numbers import TicketNumber
from domain.personal import Personal
from domain.regions import Grid, Region
from domain.vocabulary import (
    Channel,
    Level,
    MatterClass,
    Outcome,
    RejectReason,
    ResponseKind,
    Role,
    Urgency,
    Weight,
)

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Reason = Annotated[
    Short,
    Field(
        description="Stands in the event as it is, is published within the administration and kept for ever: "
        "it must hold no personal data. What does goes into `words`, which are sealed"
    ),
]
Code = Annotated[str, StringConstraints(pattern=r"^[\w.:\-]{1,80}$")]
Unit = Annotated[str, StringConstraints(pattern=r"^[\w.:\-]{1,80}$")]


_MEDIA_TYPE = r"^(application|audio|font|image|message|model|multipart|text|video)/[A-Za-z0-9.+\-]+$"


class Command(BaseModel):
    """A wish; `words` are the actor's own and are sealed before anything is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    NAME: ClassVar[str]

    words: Words | None = Field(default=None, description="Free words; sealed, never stored in the clear")

    def personal(self, by: Role) -> Personal | None:  # noqa: ARG002 - what a resident wrote may be more
        """Collect what must be sealed of what this role gives, None when there is nothing."""
        return Personal(words=self.words) if self.words else None


class Place(Command):
    """点单: report a matter. An officer may do it on behalf of a resident."""

    NAME = "place"
    region: Region
    grid: Grid | None = None
    category: Code = "other"
    urgency: Urgency = Urgency.NORMAL
    channel: Channel = Channel.WEB
    name: Short | None = Field(default=None, description="The resident's name; sealed")
    contact: Short | None = Field(default=None, description="Telephone or another way to reach them; sealed")
    address: Words | None = Field(default=None, description="The exact place; sealed")

    def personal(self, by: Role) -> Personal | None:  # noqa: ARG002 - it is sealed whoever gives it
        """Collect name, contact, address and words."""
        who = Personal(name=self.name, contact=self.contact, address=self.address, words=self.words)
        return who if any((self.name, self.contact, self.address, self.words)) else None


class Verify(Command):
    """核单: the grid worker has been there; category, class, urgency and place are confirmed."""

    NAME = "verify"
    category: Code | None = None
    weight: Weight = Weight.ORDINARY
    urgency: Urgency | None = None
    matter_class: MatterClass | None = Field(
        default=None, description="Given only to overrule what category, weight and urgency make of it"
    )
    cross_county: bool = False
    region: Region | None = None
    grid: Grid | None = None
    solvable_in_grid: bool = Field(default=False, description="The grid keeps it and will resolve it itself")


class Reject(Command):
    """不予受理: the village confirms that the matter is not taken."""

    NAME = "reject"
    reason: RejectReason


class Issue(Command):
    """下单: the village passes on what it cannot solve."""

    NAME = "issue"
    township: Region | None = Field(default=None, description="Default: the township of the ticket's region")


class Dispatch(Command):
    """派单: the centre sends it to the responsible department."""

    NAME = "dispatch"
    department: Unit


class Accept(Command):
    """接单: the department takes it and names its first handler 第一经办人."""

    NAME = "accept"
    first_handler: Short


class Return(Command):
    """退单: one step back. On the second return the county rules, binding."""

    NAME = "return"
    reason: Reason


class Transfer(Command):
    """转办: the same step, another holder."""

    NAME = "transfer"
    to_unit: Unit
    reason: Reason


class Assign(Command):
    """Name the first handler of the step that is running."""

    NAME = "assign"
    first_handler: Short


class AddCohandler(Command):
    """协办: another unit helps; the holder still answers for the step."""

    NAME = "add-cohandler"
    unit: Unit


class Progress(Command):
    """A note on how the work goes."""

    NAME = "progress"
    words: Words = Field(description="What happened; sealed, never stored in the clear")


class Attach(Command):
    """Evidence, by reference: the content is kept elsewhere and is known by its digest.

    Nothing of the content comes here, so there is nothing to seal or to erase; who keeps it erases it.
    """

    NAME = "attach"
    media_type: Annotated[str, StringConstraints(pattern=_MEDIA_TYPE, max_length=100)]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    size_bytes: Annotated[int, Field(ge=0, le=2**40)]


class Resolve(Command):
    """办结: the level that holds it says that it is done."""

    NAME = "resolve"
    outcome: Outcome = Outcome.SOLVED


class Rework(Command):
    """重办: the grid worker's check on site found that it is not done."""

    NAME = "rework"
    reason: Reason


class FeedBack(Command):
    """反馈: the receiving grid worker tells the resident the result."""

    NAME = "feed-back"


class Rate(Command):
    """评单: the resident says whether it was solved, and how well it was done."""

    NAME = "rate"
    solved: bool
    score: Annotated[int, Field(ge=1, le=5)]


class LapseRating(Command):
    """The rating period is over without an answer; silence is never counted as satisfied."""

    NAME = "lapse-rating"


class Reopen(Command):
    """重启: closed is not fixed. An officer's reason stands in the event; a resident's is sealed."""

    NAME = "reopen"
    reason: Reason

    def personal(self, by: Role) -> Personal | None:
        """Collect the words, and a resident's reason."""
        reason = self.reason if by is Role.RESIDENT else None
        return Personal(words=self.words, reason=reason) if self.words or reason else None


class Withdraw(Command):
    """撤单: the resident takes it back."""

    NAME = "withdraw"


class Merge(Command):
    """并单: this ticket is about the same matter as another, which goes on for both."""

    NAME = "merge"
    into: TicketNumber


class Unmerge(Command):
    """Undo a merge: the ticket goes on where it was."""

    NAME = "unmerge"
    reason: Reason


class RequestExtension(Command):
    """申请延期: asked before expiry, decided one level up."""

    NAME = "request-extension"
    until: AwareDatetime
    reason: Reason


class GrantExtension(Command):
    """同意延期."""

    NAME = "grant-extension"


class RefuseExtension(Command):
    """不同意延期."""

    NAME = "refuse-extension"
    reason: Reason


class Suspend(Command):
    """挂起: the clock stands still, approved one level up."""

    NAME = "suspend"
    reason: Reason


class Resume(Command):
    """恢复: the clock runs again."""

    NAME = "resume"


class Reclassify(Command):
    """调整类别: another category, class or urgency, with a reason."""

    NAME = "reclassify"
    category: Code | None = None
    matter_class: MatterClass | None = None
    urgency: Urgency | None = None
    reason: Reason


class ReviseDeadlines(Command):
    """A policy or a calendar changed; the running ticket's deadlines follow, visibly.

    Without a due time, every running clock is worked out anew by the policy and the calendar in force; with
    one, the clock gets that, and `policy` says by what rule. Clocks that have stopped stay as they are.
    """

    NAME = "revise-deadlines"
    stage_due: AwareDatetime | None = None
    resolve_due: AwareDatetime | None = None
    policy: Short | None = None
    reason: Reason


class Urge(Command):
    """催办."""

    NAME = "urge"


class Escalate(Command):
    """升级督办: a higher level looks at it from now on."""

    NAME = "escalate"
    reason: Reason
    to_level: Level | None = Field(default=None, description="Default: one level up from where it is")


class DeclareEmergency(Command):
    """转急: command goes flat, straight from the county to the department."""

    NAME = "declare-emergency"
    reason: Reason


class StandDown(Command):
    """转平: back to the ordinary mechanism."""

    NAME = "stand-down"


class LogResponse(Command):
    """应急处置记录: what is warned of, reported, followed, ordered or cleared up in an emergency.

    While the emergency is declared and the ticket is open, anything; the aftermath 善后 also later.
    """

    NAME = "log-response"
    kind: ResponseKind
    words: Words = Field(description="What happened or is to happen; sealed, never stored in the clear")


class ErasePersonalData(Command):
    """Destroy the key of the ticket's person; what was sealed can never be read again."""

    NAME = "erase-personal-data"
    reason: Reason


class Import(Command):
    """History of another system: what it knew, and no invented steps."""

    NAME = "import"
    origin: Annotated[str, StringConstraints(pattern=r"^[a-z0-9\-]{2,32}$")]
    source_id: Short
    region: Region
    category: Code
    category_text: Short
    channel: Channel = Channel.UNKNOWN
    source_channel: Short | None = None
    source_status: Short | None = None
    agency: Unit | None = None
    agency_name: Short | None = None
    placed_at: AwareDatetime
    closed_at: AwareDatetime | None = None
    resolve_due: AwareDatetime | None = None
    resolution: Words | None = Field(default=None, description="What the source published as the result")
    closed: bool = False
    oddities: tuple[Short, ...] = ()
    address: Words | None = Field(default=None, description="The exact place; sealed")

    def personal(self, by: Role) -> Personal | None:  # noqa: ARG002 - it is sealed whoever gives it
        """Collect address and words."""
        return Personal(address=self.address, words=self.words) if self.address or self.words else None


COMMANDS: dict[str, type[Command]] = {
    command.NAME: command
    for command in (
        Place, Verify, Reject, Issue, Dispatch, Accept, Return, Transfer, Assign, AddCohandler, Progress,
        Attach, Resolve, Rework, FeedBack, Rate, LapseRating, Reopen, Withdraw, Merge, Unmerge,
        RequestExtension, GrantExtension, RefuseExtension, Suspend, Resume, Reclassify, ReviseDeadlines,
        Urge, Escalate, DeclareEmergency, StandDown, LogResponse, ErasePersonalData, Import,
    )
}  # fmt: skip
