"""What the plug-in and the bridge say to each other: one JSON object a line, one frozen dataclass a message.

With `bridge.words` and `bridge.core_dumps` the only modules that both sides import: standard library only, valid on
Python 3.10. The plug-in asks, the bridge answers, with `Failed` where it cannot. Pixels never travel here: they are
image files in the job folder.

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
from bridge.protocol.wire import LONGEST_LINE, decode, encode, from_json, job_again

__all__ = [
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
    "decode",
    "encode",
    "from_json",
    "job_again",
]
