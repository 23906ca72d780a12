"""What the plug-in and the bridge say to each other: one JSON object a line, one frozen dataclass a message.

Of the bridge, the plug-in imports only this and `bridge.common`: standard library only, valid on Python 3.10. Pixels
never travel here: they are image files in the job folder.

The plug-in asks, the bridge answers, with `Failed` where it cannot. The plug-in numbers all that it says: 1, 2, 3 and
so on, without a gap. Each answer has the number of its question, so that it is never taken for the answer to another
one. The plug-in drops an answer that it does not wait for. The bridge counts lines as well: the number of a line that
it cannot read is one more than that of the line before.

What every job says is here; what only windows say is in `bridge.protocol.history` and `bridge.protocol.settings`, for
jobs need not wait until that is loaded.
"""

from bridge.protocol.jobs import (
    Cancel,
    Cancelled,
    Failed,
    Finished,
    Open,
    Opened,
    Placed,
    Plan,
    Planned,
    Progress,
    Received,
    Run,
)
from bridge.protocol.values import (
    LONGEST_PROVENANCE,
    PROVENANCE,
    SELECTION_FILE,
    CropPlan,
    Document,
    Job,
    Message,
    Patch,
    Preview,
    ProtocolError,
    Rectangle,
    RequestProgress,
    Result,
)
from bridge.protocol.wire import LARGEST_QUESTION, LONGEST_LINE, Said, decode, encode, from_json, job_again

__all__ = [
    "LARGEST_QUESTION",
    "LONGEST_LINE",
    "LONGEST_PROVENANCE",
    "PROVENANCE",
    "SELECTION_FILE",
    "Cancel",
    "Cancelled",
    "CropPlan",
    "Document",
    "Failed",
    "Finished",
    "Job",
    "Message",
    "Open",
    "Opened",
    "Patch",
    "Placed",
    "Plan",
    "Planned",
    "Preview",
    "Progress",
    "ProtocolError",
    "Received",
    "Rectangle",
    "RequestProgress",
    "Result",
    "Run",
    "Said",
    "decode",
    "encode",
    "from_json",
    "job_again",
]
